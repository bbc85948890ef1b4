import { expect, it } from 'vitest';

import { BUILT, runFixture } from '../harness.js';
import type { Context } from './context.js';

const FRAMES = 50_000;
/** No concurrent compiler: it would be done at some time or other. And a young generation in which nothing is collected meanwhile. */
const FLAGS = ['--expose-gc', '--no-concurrent-recompilation', '--min-semi-space-size=64', '--max-semi-space-size=64'];

/** The hot path allocates nothing. */
export function javaScriptMemory({ options }: Context): void {
  it('no frame costs any', async () => {
    const argument = { module: BUILT.href, a: options('a'), b: options('b'), frames: FRAMES };
    const { moved, bytes } = await runFixture<{ moved: number; bytes: number }>('allocations.mjs', argument, FLAGS);
    // One number allocated for each burst would be 16 bytes for 32 frames. A function that is compiled anew takes some 15 000 bytes, once.
    expect(moved).toBeGreaterThanOrEqual(FRAMES);
    expect(bytes).toBeLessThan(moved / 16);
  });
}
