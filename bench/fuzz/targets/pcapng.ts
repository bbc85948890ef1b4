import { readBlock, readPrologue } from '../../../src/wire/pcapng.js';
import { attempt, hold, type Target } from '../target.js';

const isRange = (error: unknown): boolean => error instanceof RangeError;

/** The stream of a tap. What is no block may be refused by a RangeError: the reader then ends. */
export const pcapng: Target = {
  name: 'pcapng',
  longest: 1024,
  run(input) {
    const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
    for (let at = 0; ;) {
      const block = attempt(() => readBlock(view, at), isRange);
      if (block === undefined) break;
      hold(block.length >= 12 && at + block.length <= input.length, 'a block reaches beyond what has come');
      at += block.length;
    }
    const prologue = attempt(() => readPrologue(input), isRange);
    if (prologue !== undefined) hold(prologue.name.length <= input.length, 'a name that is longer than the file');
  },
};
