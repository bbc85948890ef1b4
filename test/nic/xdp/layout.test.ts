import { describe, expect, it } from 'vitest';

import { defaultFrames, layout, SINGLE_CHUNK_MTU, TX_HEADROOM } from '../../../src/nic/xdp/layout.js';

const plan = (mtu: number) => layout({ mtu, txFrames: 256, rxFrames: 256, burst: 64 });
/** What the kernel leaves in front of a received frame, 2 bytes for alignment, the Ethernet header. */
const RECEIVE_OVERHEAD = 256 + 2 + 14;

describe('frames that fit a chunk', () => {
  it.each([
    [64, 2048],
    [1500, 2048],
    [2048 - RECEIVE_OVERHEAD, 2048],
    [2048 - RECEIVE_OVERHEAD + 1, 4096],
    [SINGLE_CHUNK_MTU, 4096],
  ])('of %i bytes take one of %i', (mtu, chunk) => {
    expect(plan(mtu)).toMatchObject({ jumbo: false, chunk, frameSize: chunk, gatherFrames: 0 });
  });
});

describe('jumbo frames', () => {
  it.each([
    [SINGLE_CHUNK_MTU + 1, 4096],
    [4096 - TX_HEADROOM, 4096],
    [4096 - TX_HEADROOM + 1, 8192],
    [9000, 16384],
    [65535, 131072],
  ])('of %i bytes are contiguous in %i', (mtu, frameSize) => {
    const jumbo = plan(mtu);
    expect(jumbo).toMatchObject({ jumbo: true, chunk: 4096, frameSize });
    expect(jumbo.frameSize).toBeGreaterThanOrEqual(TX_HEADROOM + mtu);
    expect(jumbo.gatherFrames).toBe(256 + 64);
  });
});

it.each([64, 1500, 3500, 9000, 65535])('the regions for an MTU of %i do not overlap, and start at chunks', (mtu) => {
  const { txFrames, frameSize, rxBase, rxChunks, chunk, registered, gatherBase, gatherFrames, bytes } = plan(mtu);
  expect(rxBase).toBe(txFrames * frameSize);
  expect(rxBase % chunk).toBe(0);
  expect(registered).toBe(rxBase + rxChunks * chunk);
  expect(gatherBase).toBe(registered);
  expect(bytes).toBe(gatherBase + gatherFrames * frameSize);
});

it('the fill ring has its chunks in addition to those that can be held', () => {
  const { fill, rxChunks, rxFrames } = plan(1500);
  expect(rxChunks).toBe(fill + rxFrames);
});

it('by default jumbo frames are fewer, not more memory', () => {
  expect(defaultFrames(1500)).toBe(4096);
  expect(defaultFrames(9000)).toBe(1024);
  expect(defaultFrames(65535)).toBe(256);
});
