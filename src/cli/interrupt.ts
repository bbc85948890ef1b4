import { Exit } from './output.js';

/**
 * What comes so soon after the first one, ms, is the same Ctrl-C: the terminal tells the whole group, and npm, which is in it, tells its child
 * once more.
 */
const SAME = 500;

/** Aborts at the first Ctrl-C (SIGTERM, SIGHUP), so that a command can end in order; the next one ends it at once. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  let first = 0;
  const onSignal = (): void => {
    if (!controller.signal.aborted) {
      first = performance.now();
      controller.abort();
    } else if (performance.now() - first > SAME) process.exit(Exit.interrupted);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  return controller.signal;
}
