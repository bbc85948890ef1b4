import { ArgumentError } from '../../../src/errors.js';
import { FaultModel } from '../../../src/fault/model.js';
import { parseFaults } from '../../../src/fault/parse.js';
import { attempt, hold, type Target } from '../target.js';

const FRAMES = 50;

/** The text of faults: it is refused, or a wire can have these faults. */
export const faults: Target = {
  name: 'faults',
  longest: 256,
  run(input) {
    const parsed = attempt(
      () => parseFaults(Buffer.from(input).toString('latin1')),
      (error) => error instanceof ArgumentError,
    );
    if (parsed === undefined) return;
    const model = new FaultModel(parsed);
    for (let i = 0; i < FRAMES; i++) {
      model.next(i * 1000);
      hold(model.delay >= 0 && model.delay < Infinity, `a frame takes ${model.delay} µs`);
      if (model.remembers) model.remember(input);
    }
    hold(model.count.frames === FRAMES, 'frames were not counted');
  },
};
