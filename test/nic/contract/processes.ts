import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

import { expect, it } from 'vitest';

import { openNic } from '../../../src/nic/open.js';
import type { End } from '../drivers.js';
import { BUILT, openDescriptors, ringMappings } from '../harness.js';
import type { Context } from './context.js';

/** Processes and threads that end with a NIC open. */
export function processes({ options }: Context): void {
  const opened = (end: End): string =>
    `const { openNic } = await import(${JSON.stringify(BUILT.href)});` +
    `const nic = openNic(${JSON.stringify(options(end, { txFrames: 64, rxFrames: 64 }))});`;

  it.each([
    ['falls off its end', ''],
    ['calls process.exit', 'nic.watch(() => {}); process.exit();'],
    ['closes inside a watch', 'nic.watch(() => {}); setTimeout(() => nic.close(), 20);'],
  ])('a process that %s exits at once and cleanly', async (_what, code) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', opened('a') + code], { stdio: 'pipe' });
    let output = '';
    child.stdout.on('data', (text: Buffer) => (output += text.toString()));
    child.stderr.on('data', (text: Buffer) => (output += text.toString()));
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    const [code_, signal] = (await once(child, 'close')) as [number | null, string | null];
    clearTimeout(timer);
    expect({ code: code_, signal, output }).toEqual({ code: 0, signal: null, output: '' });
    reopen();
  });

  it('a process that is killed leaves nothing that stops the next', async () => {
    const child = spawn(
      process.execPath,
      ['--input-type=module', '-e', `${opened('a')} nic.watch(() => {}); console.log('open');`],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'close');
    reopen();
  });

  it('a worker that is terminated frees everything', async () => {
    const source = `${opened('a')} nic.watch(() => {});
      (await import('node:worker_threads')).parentPort.postMessage('open'); setInterval(() => nic.flush(), 1);`;
    const run = async (): Promise<void> => {
      const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`));
      await once(worker, 'message');
      await worker.terminate();
    };
    await run();
    const descriptors = openDescriptors();
    const ours = ringMappings();
    for (let i = 0; i < 3; i++) await run();
    expect(openDescriptors()).toBeLessThanOrEqual(descriptors);
    expect(ringMappings()).toBe(ours);
    reopen();
  });

  function reopen(): void {
    openNic(options('a')).close();
  }
}
