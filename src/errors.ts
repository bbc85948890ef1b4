/**
 * Every error this package throws is an `EmpError` with a stable `code`, and says what was wrong, what was
 * expected and what to do. Codes are part of the public face: they are added, never renamed.
 */
export type EmpErrorCode =
  // arguments and life cycle
  | 'ERR_EMP_ARGUMENT'
  | 'ERR_EMP_CLOSED'
  | 'ERR_EMP_ABORTED'
  // what the machine lacks
  | 'ERR_EMP_ADDON_MISSING'
  | 'ERR_EMP_LIBRARY_MISSING'
  | 'ERR_EMP_KERNEL_FEATURE'
  | 'ERR_EMP_PERMISSION'
  | 'ERR_EMP_MEMLOCK'
  | 'ERR_EMP_NO_MEMORY'
  | 'ERR_EMP_TOOL_MISSING'
  | 'ERR_EMP_TOOL_FAILED'
  // network interfaces
  | 'ERR_EMP_NO_INTERFACE'
  | 'ERR_EMP_NO_NAMESPACE'
  | 'ERR_EMP_INTERFACE_DOWN'
  | 'ERR_EMP_QUEUE_RANGE'
  | 'ERR_EMP_QUEUE_BUSY'
  | 'ERR_EMP_XDP_BUSY'
  | 'ERR_EMP_XDP_MODE'
  | 'ERR_EMP_MTU'
  | 'ERR_EMP_ADDRESS'
  | 'ERR_EMP_ADDRESS_IN_USE'
  | 'ERR_EMP_NIC_FAILED'
  // channels
  | 'ERR_EMP_PORT_IN_USE'
  | 'ERR_EMP_REFUSED'
  | 'ERR_EMP_VERSION'
  | 'ERR_EMP_TIMEOUT'
  | 'ERR_EMP_SIMULATION'
  | 'ERR_EMP_UNREACHABLE'
  | 'ERR_EMP_PEER_RESET'
  | 'ERR_EMP_PEER_ABORTED'
  | 'ERR_EMP_GAVE_UP'
  | 'ERR_EMP_MESSAGE_TOO_LONG'
  | 'ERR_EMP_HANDLER'
  // the testbed and the tools
  | 'ERR_EMP_TESTBED';

/** Why a channel ended. `ended` is the only peaceful one: everything sent was delivered, both ways. Hosts end by some of them, too. */
export type CloseReason =
  | 'ended'
  | 'aborted'
  | 'peer-aborted'
  | 'peer-reset'
  | 'peer-handler'
  | 'peer-closed'
  | 'peer-gave-up'
  | 'refused'
  | 'no-listener'
  | 'backlog'
  | 'version'
  | 'parameters'
  | 'timeout'
  | 'unreachable'
  | 'gave-up'
  | 'protocol'
  | 'message-too-long'
  | 'handler'
  | 'host-closed'
  | 'nic-lost'
  | 'no-memory'
  | 'failed';

export interface EmpErrorOptions {
  /** What the reader can do about it: one sentence, imperative. */
  remedy?: string;
  cause?: unknown;
}

export class EmpError extends Error {
  override name = 'EmpError';
  readonly code: EmpErrorCode;
  readonly remedy: string | undefined;

  constructor(code: EmpErrorCode, message: string, options: EmpErrorOptions = {}) {
    super(
      options.remedy === undefined ? message : `${message} ${options.remedy}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.remedy = options.remedy;
  }
}

/** A value the caller passed is wrong. */
export class ArgumentError extends EmpError {
  override name = 'ArgumentError';
  constructor(message: string, options: EmpErrorOptions = {}) {
    super('ERR_EMP_ARGUMENT', message, options);
  }
}

/** A network interface, or the kernel below it, cannot do what was asked. */
export class NicError extends EmpError {
  override name = 'NicError';
}

/** A channel could not be opened, ended otherwise than in peace, or cannot do what was asked. */
export class ChannelError extends EmpError {
  override name = 'ChannelError';
  /** Why the channel ended, or was not opened; undefined where it did not end. Finer than `code`. */
  readonly reason: CloseReason | undefined;

  constructor(
    code: EmpErrorCode,
    message: string,
    options: EmpErrorOptions & { reason?: CloseReason | undefined } = {},
  ) {
    super(code, message, options);
    this.reason = options.reason;
  }
}

/** What `signal` has ended. Named as Node names it, so that programs know it from their own; `cause` is the signal's reason. */
export class AbortError extends ChannelError {
  override name = 'AbortError';

  constructor(what: string, cause: unknown) {
    const remedy = "The cause is the signal's reason.";
    super('ERR_EMP_ABORTED', `${what} was aborted by its signal.`, { remedy, cause, reason: 'aborted' });
  }
}

/** What a value is, in a word, as one would write it in the program: '1' is not 1. For messages about arguments. */
export function describe(value: unknown): string {
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean') {
    return String(value);
  }
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'bigint') return `${value}n`;
  return typeof value === 'object' ? (value.constructor?.name ?? 'an object') : `a ${typeof value}`;
}
