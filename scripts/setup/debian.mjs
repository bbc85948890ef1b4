// Installs the Debian packages that are missing. Only root can; anybody else is told what is missing, and what works goes on.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const LISTS = JSON.parse(readFileSync(new URL('../packages.json', import.meta.url), 'utf8'));
const DPKG_QUERY = '/usr/bin/dpkg-query';

// Answers that a package would otherwise ask a person for.
const PRESEED = 'wireshark-common wireshark-common/install-setuid boolean false\n';

/** The packages of the named lists (`run`, `test`) that are not installed. */
export function missingPackages(lists) {
  const wanted = lists.flatMap((list) => Object.keys(LISTS[list]));
  if (!existsSync(DPKG_QUERY)) return wanted;
  // dpkg-query answers for the packages it knows, and fails for the others: its exit code says nothing.
  const { stdout } = spawnSync(DPKG_QUERY, ['-W', '-f', '${Package} ${db:Status-Status}\n', ...wanted], {
    encoding: 'utf8',
  });
  const installed = new Set(
    stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  return wanted.filter((name) => !installed.has(name));
}

function apt(args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // Another apt (unattended upgrades on a fresh machine) may hold the lock for a while.
  const { status } = spawnSync('apt-get', ['-q', '-y', '-o', 'DPkg::Lock::Timeout=120', ...args], {
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return status === 0;
}

function explain(missing) {
  console.warn('Missing packages (Debian names):');
  for (const name of missing) {
    const why = Object.values(LISTS).find((list) => name in list)[name];
    console.warn(`  ${name.padEnd(14)} ${why}`);
  }
  console.warn(`Install them as root: apt-get install --no-install-recommends ${missing.join(' ')}`);
}

/** Makes the packages of the named lists present, as far as this user can. Returns what is still missing. */
export function ensurePackages(lists) {
  const missing = missingPackages(lists);
  if (missing.length === 0) return [];
  if (process.getuid() !== 0 || !existsSync(DPKG_QUERY)) {
    explain(missing);
    return missing;
  }
  console.log(`Installing Debian packages: ${missing.join(' ')}`);
  spawnSync('debconf-set-selections', [], { input: PRESEED });
  apt(['update']);
  apt(['install', '--no-install-recommends', ...missing]);
  const left = missingPackages(lists);
  if (left.length > 0) explain(left);
  return left;
}
