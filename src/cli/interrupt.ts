import { Exit } from './output.js';

/** Aborts at the first Ctrl-C (or SIGTERM), so that a command can end in order; the second one ends it at once. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(Exit.interrupted);
    controller.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return controller.signal;
}
