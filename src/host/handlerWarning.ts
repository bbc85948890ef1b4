import { EmpError } from '../errors.js';

/** A handler threw whose exception can end no channel: a warning of the process says so, and everything goes on. */
export function warnOfHandler(handler: string, cause: unknown): void {
  const text = cause instanceof Error ? cause.message : String(cause);
  process.emitWarning(
    new EmpError('ERR_EMP_HANDLER', `${handler} threw: ${text}.`, { remedy: 'Catch it in the handler.', cause }),
  );
}
