// Everything that the addons export is called in every wrong way, each class in a process of its own: none may end it, or touch memory that is not its own
// (which the sanitizers see: npm run test:native).
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { packageRoot, requireAddon } from '../../src/nic/native.js';
import { listLinks } from '../../src/nic/links.js';
import { Testbed } from '../../src/testbed/testbed.js';
import { describeRoot } from '../support/root.js';

const ATTACK = fileURLToPath(new URL('fixture/attack.mjs', import.meta.url));
const PLAIN = ['CounterFile', 'LinkMonitor', 'Poller', 'UdpSocket'];
const FUNCTIONS = ['clock', 'kick', 'listLinks', 'udpReceive', 'udpSend'];

interface Place {
  readonly namespace: string;
  readonly interface: string;
  readonly index: number;
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'emp-attack-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** How many attacks the process survived; an error with the last of them if it did not. */
async function attack(subject: string, place?: Place): Promise<number> {
  const wish = JSON.stringify({ subject, place, folder, root: packageRoot() });
  const journal = (): string[] => readFileSync(join(folder, 'journal'), 'utf8').trimEnd().split('\n');
  await promisify(execFile)(process.execPath, ['--expose-gc', ATTACK, wish]).catch((error: unknown) => {
    const { stderr, signal, code } = error as { stderr: string; signal: string | null; code: number };
    throw new Error(`${subject}: ${signal ?? `exit code ${code}`} at: ${journal().at(-1)}\n${stderr.slice(-4000)}`);
  });
  return Number(/^survived (\d+) attacks$/.exec(journal().at(-1)!)![1]);
}

test('nothing that the core addon exports is left out', () => {
  expect(Object.keys(requireAddon('emp_core') as object).sort()).toEqual(
    [...PLAIN, 'PacketSocket', ...FUNCTIONS].sort(),
  );
});

describe('an attack from JavaScript', () => {
  test.each(PLAIN)('is survived by %s', async (name) => {
    expect(await attack(name)).toBeGreaterThan(100);
  });

  test('is survived by the functions', async () => {
    expect(await attack('functions')).toBeGreaterThan(20);
  });
});

describeRoot('an attack from JavaScript, as root', () => {
  test.each(['PacketSocket', 'XdpSocket'])('is survived by %s', async (name) => {
    await using testbed = await Testbed.up();
    const place = testbed.links[0].a;
    const { index } = listLinks({ namespace: place.namespace }).find((link) => link.name === place.interface)!;
    expect(await attack(name, { ...place, index })).toBeGreaterThan(100);
  });

  test('nothing that the xdp addon exports is left out', () => {
    expect(Object.keys(requireAddon('emp_xdp') as object)).toEqual(['XdpSocket', 'kick', 'wake']);
  });
});

test('a worker that is ended while it is inside the addon does not end the process', async () => {
  const file = fileURLToPath(new URL('fixture/terminated.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [file, packageRoot()]);
  expect(stdout).toBe('survived\n');
});
