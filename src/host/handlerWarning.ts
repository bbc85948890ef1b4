import { EmpError } from '../errors.js';

/** A handler threw whose exception can end no channel: a warning of the process says so, and everything goes on. */
export function warnOfHandler(handler: string, cause: unknown): void {
  const text = cause instanceof Error ? cause.message : String(cause);
  warn(`${handler} threw: ${text}.`, 'Catch it in the handler.', cause);
}

/** A handler answered what means nothing. */
export function warnOfAnswer(handler: string, answer: string, remedy: string): void {
  warn(`${handler} answered ${answer}.`, remedy);
}

function warn(text: string, remedy: string, cause?: unknown): void {
  process.emitWarning(new EmpError('ERR_EMP_HANDLER', text, { remedy, cause }));
}

/** Calls a handler that nothing depends on: one that throws is told of, and changes nothing. */
export function callHandler(name: string, call: () => void): void {
  try {
    call();
  } catch (error) {
    warnOfHandler(name, error);
  }
}
