// Prints what binding.gyp needs to know: the sources of a target (native/sources.json is the one list, CMakeLists.txt reads it
// too), or whether libbpf's headers are there.
import { existsSync, readFileSync } from 'node:fs';

const [what] = process.argv.slice(2);
if (what === '--have-libbpf') {
  console.log(existsSync('/usr/include/bpf/libbpf.h') ? 'yes' : 'no');
} else {
  const sources = JSON.parse(readFileSync(new URL('../native/sources.json', import.meta.url), 'utf8'));
  if (!(what in sources)) throw new Error(`no target ${what} in native/sources.json`);
  console.log(sources[what].join('\n'));
}
