// How a measurement is watched at a terminal: a progress bar on the standard error, and Ctrl-C.
import { Presets, SingleBar } from 'cli-progress';

import type { Progress } from '../../../bench/pingpong/run.js';
import { interruption } from '../interrupt.js';
import { Exit, note } from '../output.js';

export interface Bar {
  show: (progress: Progress) => void;
  stop: () => void;
}

/** Undefined when nobody looks. */
function progressBar(): Bar | undefined {
  if (!process.stderr.isTTY) return undefined;
  const bar = new SingleBar(
    { format: '{what} {bar} {percentage}%', clearOnComplete: true, hideCursor: true, stream: process.stderr },
    Presets.shades_grey,
  );
  let active = false;
  return {
    show({ what, done, total }) {
      if (!active) bar.start(total, 0, { what });
      active = true;
      bar.update(done, { what });
    },
    stop() {
      if (active) bar.stop();
      active = false;
    },
  };
}

/** Ctrl-C ends a measurement in order, with its own exit code. */
export async function interruptible(
  measure: (signal: AbortSignal, bar: Bar | undefined) => Promise<void>,
): Promise<void> {
  const signal = interruption();
  const bar = progressBar();
  try {
    await measure(signal, bar);
  } catch (error) {
    if (!signal.aborted) throw error;
    bar?.stop();
    note('emp: interrupted');
    process.exitCode = Exit.interrupted;
  } finally {
    bar?.stop();
  }
}
