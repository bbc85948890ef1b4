// What a channel brings over a wire that loses frames, as a page that is committed: docs/goodput.md. The world is the same each time, so any change of
// the protocol shows in it, for better or worse. After one: npx vitest run test/sim/goodput.test.ts --update, and look at the difference.
import { expect, test } from 'vitest';

import { World } from '../../src/sim/index.js';

const LOSSES = [0, 0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3];
const WINDOWS = [4, 16, 64, 256];
const GIGABIT = 1e9;
const DELAY = 50;
const MESSAGE = 1400;
const MESSAGES = 2000;
/** Chance has many faces: the median of so many worlds. */
const SEEDS = [1, 2, 3];

/** Mbit/s of one channel, from the first message until the last was heard. */
async function goodput(loss: number, window: number, seed: number): Promise<number> {
  const world = new World({ seed });
  const [a, b] = [world.machine('a'), world.machine('b')];
  const link = world.link(a, b, { rate: GIGABIT, faults: { delay: DELAY } });
  return world.run(async () => {
    let heard = 0;
    let end = 0;
    b.open({ channel: { window } }).listen(1, {
      onChannel: (channel) => {
        channel.onMessage = () => {
          if (++heard === MESSAGES) end = world.now;
        };
      },
    });
    const channel = await a.open({ channel: { window } }).connect('b/0', 1);
    link.faults = { delay: DELAY, drop: loss };
    const begin = world.now;
    const bytes = new Uint8Array(MESSAGE);
    for (let i = 0; i < MESSAGES; i++) await channel.write(bytes);
    while (end === 0) await world.sleep(1);
    return (MESSAGES * MESSAGE * 8) / (end - begin);
  });
}

async function cell(loss: number, window: number): Promise<string> {
  const all: number[] = [];
  for (const seed of SEEDS) all.push(await goodput(loss, window, seed));
  const [, middle] = all.sort((x, y) => x - y);
  return middle >= 100 ? middle.toFixed(0) : middle.toPrecision(3);
}

test('goodput against loss and window is what the page says', async () => {
  const rows: string[] = [];
  for (const loss of LOSSES) {
    const cells: string[] = [];
    for (const window of WINDOWS) cells.push(await cell(loss, window));
    rows.push(`| ${loss * 100} % | ${cells.join(' | ')} |`);
  }
  const page = `# Goodput against loss

Mbit/s of one channel on a [simulated](simulator.md) wire of 1 Gbit/s with 50 µs each way, messages of ${MESSAGE} B, frames lost both ways, by windows (frames). The median
of three seeds. A test compares this page with what the protocol does (\`test/sim/goodput.test.ts\` of the repository).

| lost | ${WINDOWS.map((window) => `window ${window}`).join(' | ')} |
| --- | ${WINDOWS.map(() => '---').join(' | ')} |
${rows.join('\n')}
`;
  await expect(page).toMatchFileSnapshot('../../docs/goodput.md');
}, 120_000);
