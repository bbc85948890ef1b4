import { Exit } from './output.js';

/** Aborts at the first Ctrl-C (SIGTERM, SIGHUP), so that a command can end in order; the second one ends it at once. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(Exit.interrupted);
    controller.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  return controller.signal;
}
