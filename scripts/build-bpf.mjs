// Compiles the XDP program (for maintainers; needs clang and libbpf-dev). The object is committed.
//
//   node scripts/build-bpf.mjs [--check]     --check: only compare with the committed object
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const SOURCE = 'native/bpf/emp_xdp.bpf.c';
const OBJECT = 'native/bpf/emp_xdp.bpf.o';

// Debian keeps <asm/types.h>, which <linux/bpf.h> wants, in a folder named after the machine.
const MULTIARCH = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }[process.arch] ?? '';

const FLAGS = [
  ...['-O2', '-Wall', '-Wextra', '-Werror'],
  ...['-target', 'bpfel', '-mcpu=v2'],
  ...['-I', `/usr/include/${MULTIARCH}`],
  // BTF, which libbpf needs to read the maps, comes with -g. No path of this machine gets into the object.
  ...['-g', '-fdebug-compilation-dir=.'],
];

function clang(args) {
  const { status, stdout, stderr, error } = spawnSync('clang', args, { cwd: ROOT, encoding: 'utf8' });
  if (error?.code === 'ENOENT') throw new Error('clang is missing: apt install clang');
  if (status !== 0) throw new Error(`clang failed (it needs libbpf-dev: apt install libbpf-dev)\n${stderr}`);
  return stdout;
}

function compile(output) {
  clang([...FLAGS, '-c', SOURCE, '-o', output]);
}

function check() {
  const folder = mkdtempSync(join(tmpdir(), 'emp-bpf-'));
  try {
    const output = join(folder, 'emp_xdp.bpf.o');
    compile(output);
    const committed = join(ROOT, OBJECT);
    if (existsSync(committed) && readFileSync(output).equals(readFileSync(committed))) return;
    throw new Error(
      `${OBJECT} is not what ${SOURCE} compiles to with ${clang(['--version']).split('\n')[0]}. ` +
        'Run npm run build:bpf with clang 14 (Debian 12) and commit the object.',
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function build() {
  compile(`${OBJECT}.new`);
  renameSync(join(ROOT, `${OBJECT}.new`), join(ROOT, OBJECT));
}

try {
  if (process.argv.includes('--check')) check();
  else build();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
