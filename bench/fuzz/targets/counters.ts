import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';

import { readHost } from '../../../src/host/stat/read.js';
import { BLOCKS_AT, LAYOUT, MAGIC, TEXT_AT } from '../../../src/host/stat/layout.js';
import { hold, type Target } from '../target.js';

/** Behind the description. */
const ROOM = 16_384;

/** A file that claims to be the counters of a host. The input is its description, behind two bytes that may spoil the head. */
export const counters: Target = {
  name: 'counters',
  longest: BLOCKS_AT,
  run(input) {
    const path = join(tmpdir(), `emp-fuzz-${process.pid}-${threadId}.stat`);
    const bytes = new Uint8Array(BLOCKS_AT + ROOM);
    const text = input.subarray(2);
    bytes.set(text.subarray(0, BLOCKS_AT - TEXT_AT), TEXT_AT);
    bytes.fill(input[1] ?? 0, BLOCKS_AT);
    new Int32Array(bytes.buffer).set([MAGIC, LAYOUT, 0, text.length]);
    if ((input[0] ?? 0) !== 0) bytes[input[0] % 16] ^= input[1] ?? 1;
    writeFileSync(path, bytes, { mode: 0o600 });
    try {
      const snapshot = readHost({ pid: process.pid, number: 1, path });
      hold(snapshot !== 'hidden', 'a file of our own is hidden');
      // A terminal or a scraper gets it next.
      hold(!/[\u0000-\u001f\u007f-\u009f]/.test(JSON.stringify(snapshot) ?? ''), 'control characters came through');
      hold((snapshot?.channels.length ?? 0) <= ROOM / 128, 'records overlap');
    } finally {
      rmSync(path);
    }
  },
};
