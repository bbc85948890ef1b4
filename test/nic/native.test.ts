/** What a machine can do that lacks something: an addon, or the library of one. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { Testbed } from '../../src/testbed/testbed.js';
import { describeRoot } from '../support/root.js';

const BUILT = new URL('../../dist/src', import.meta.url);
const XDP = fileURLToPath(new URL('../../build/Release/emp_xdp.node', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'emp-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs a script, behind a prefix; returns what it prints. */
function run(script: string, prefix: readonly string[] = [], cwd?: string): string {
  const [command, ...rest] = [...prefix, process.execPath, '--input-type=module', '-e', script];
  const { stdout, stderr } = spawnSync(command, rest, { cwd, encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout;
}

describe.runIf(existsSync(BUILT))('without the addons', () => {
  it('importing works, memory works, and opening another driver says what to do', () => {
    cpSync(BUILT, join(folder, 'dist/src'), { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    const script = `
      const { openNic } = await import('./dist/src/nic/open.js');
      openNic({ driver: 'memory', name: 'a' }).close();
      try { openNic({ driver: 'packet', interface: 'eth0' }); }
      catch ({ code, remedy }) { console.log(code, remedy); }`;
    expect(run(script, [], folder)).toMatch(/^ERR_EMP_ADDON_MISSING Run `npm run build`/);
  });
});

describeRoot('without libbpf', () => {
  /**
   * A mount namespace in which the folder of the library is another one, of symbolic links to all that is in the real one but libbpf. The
   * rest of the machine sees nothing of it, and it is gone with its process.
   */
  const HIDDEN = `
    set -e
    mount -t tmpfs tmpfs "$FOLDER"
    mkdir "$FOLDER/real" "$FOLDER/links"
    mount --bind "$LIBRARIES" "$FOLDER/real"
    ln -s "$FOLDER/real/"* "$FOLDER/links"
    rm "$FOLDER/links"/libbpf.so*
    [ "$LEFT" = nothing ] || : > "$FOLDER/links/libbpf.so.1"
    mount --bind "$FOLDER/links" "$LIBRARIES"
    exec "$@"`;

  it.each([
    ['missing', 'nothing'],
    ['empty', 'a file'],
  ])('(%s) importing works, the other drivers work, and opening xdp says what to install', async (_what, left) => {
    await using testbed = await Testbed.up();
    const { namespace, interface: name, ipv4 } = testbed.links[0].a;
    const library = /libbpf\.so\.1 => (\S+)/.exec(execFileSync('ldd', [XDP], { encoding: 'utf8' }))![1];
    const script = `
      const { openNic } = await import('${BUILT.href}/nic/open.js');
      const place = { namespace: '${namespace}', interface: '${name}' };
      for (const options of [
        { driver: 'memory', name: 'a' },
        { driver: 'udp', namespace: '${namespace}', address: '${ipv4}' },
        { driver: 'packet', ...place },
        { driver: 'xdp', ...place },
      ]) {
        try {
          const nic = openNic(options);
          const frame = nic.alloc(0);
          const sent = nic.send(frame, 100, nic.peer(nic.info.address)) && nic.flush();
          console.log(nic.info.driver, sent);
          nic.close();
        } catch ({ code, message, remedy }) {
          console.log(code, message, remedy);
        }
      }`;
    const hidden = ['sh', '-c', HIDDEN, 'sh'];
    const environment = [`FOLDER=${folder}`, `LIBRARIES=${dirname(realpathSync(library))}`, `LEFT=${left}`];
    const output = run(script, ['unshare', '--mount', 'env', ...environment, ...hidden]);
    expect(output.split('\n')).toEqual([
      'memory true',
      'udp true',
      'packet true',
      expect.stringMatching(/^ERR_EMP_LIBRARY_MISSING .* needs the library libbpf.so.1, .* apt install libbpf1/),
      '',
    ]);
    expect(existsSync(library)).toBe(true);
  });
});
