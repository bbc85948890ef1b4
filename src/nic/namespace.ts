import { ArgumentError, NicError } from '../errors.js';
import { isSystemCallError } from './native.js';

/** The name of a network namespace as the addon wants it: empty for the process's own. */
export function namespaceArgument(namespace: string | undefined): string {
  if (namespace === undefined) return '';
  if (typeof namespace === 'string' && /^[^/]+$/.test(namespace) && namespace !== '.' && namespace !== '..') {
    return namespace;
  }
  throw new ArgumentError(`${JSON.stringify(namespace)} is not the name of a network namespace.`, {
    remedy: 'Give a name below /run/netns, as `ip netns` lists it.',
  });
}

/** What a failed system call says about the namespace, or undefined if it is about something else. */
export function namespaceError(error: unknown, namespace: string | undefined): NicError | undefined {
  if (namespace === undefined || !isSystemCallError(error)) return undefined;
  if (error.syscall === 'open namespace' && error.code === 'ENOENT') {
    return new NicError('ERR_EMP_NO_NAMESPACE', `There is no network namespace '${namespace}'.`, {
      remedy: '`ip netns` lists those there are; `ip netns add` makes one.',
      cause: error,
    });
  }
  if (error.syscall === 'setns' && error.code === 'EPERM') {
    return new NicError('ERR_EMP_PERMISSION', `Network namespace '${namespace}' may not be entered.`, {
      remedy: 'Entering a namespace needs CAP_SYS_ADMIN: run it as root.',
      cause: error,
    });
  }
  return undefined;
}
