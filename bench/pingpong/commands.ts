// What the orchestrator tells the two ends, and how a child process listens. One command at a time; each has one reply.
import { EmpError, type EmpErrorCode, type LinkAddress, type NicInfo, type NicOptions } from '../../src/index.js';
import type { Collections } from '../collections.js';
import type { Losses } from './tally.js';

export type Wait = 'spin' | 'event' | 'adaptive';

interface Open {
  nic: NicOptions;
  wait: Wait;
  port: number;
  size: number;
  /** Every payload is checked by the protocol, both ways. */
  payloadCheck: boolean;
  /** All rounds that will be asked for, warm-up included. */
  rounds: number;
}
export type OpenAnswerer = Open;
export interface OpenAsker extends Open {
  address: LinkAddress;
}

/** `watch` and `watched` frame what the garbage collector is watched over. */
export interface AnswererCommands {
  open(options: OpenAnswerer): Promise<Opened>;
  watch(): Promise<void>;
  watched(): Promise<Collections>;
  close(rounds: number): Promise<Losses>;
}

export interface AskerCommands {
  open(options: OpenAsker): Promise<Opened>;
  run(rounds: number): Promise<Float64Array>;
  watch(): Promise<void>;
  watched(): Promise<Collections>;
  close(): Promise<Losses>;
}

export interface Opened {
  address: LinkAddress;
  info: NicInfo;
}

export interface Call {
  command: string;
  argument: unknown;
}
export type Reply =
  { value: unknown } | { error: { code: EmpErrorCode | undefined; message: string; remedy: string | undefined } };

type Commands = Record<string, (argument: never) => Promise<unknown>>;

/** In the child: carries out what the parent asks, until the parent is gone. */
export function listen<T extends { [Name in keyof T]: (argument: never) => Promise<unknown> }>(commands: T): void {
  const ignore = (): void => undefined;
  process.on('SIGINT', ignore); // Ctrl-C goes to the whole group; the parent ends its children in order
  process.on('disconnect', () => process.exit(0));
  process.on('message', ({ command, argument }: Call) => {
    void carryOut(commands as unknown as Commands, command, argument).then(answer);
  });
  answer({ value: 'ready' });
}

/** Who cannot be answered is gone: there is nobody to tell. */
function answer(reply: Reply): void {
  if (!process.connected) process.exit(0);
  process.send!(reply, undefined, undefined, (error: Error | null) => {
    if (error !== null) process.exit(0);
  });
}

async function carryOut(commands: Commands, command: string, argument: unknown): Promise<Reply> {
  try {
    return { value: await commands[command]?.(argument as never) };
  } catch (error) {
    return { error: describe(error) };
  }
}

function describe(error: unknown): { code: EmpErrorCode | undefined; message: string; remedy: string | undefined } {
  if (error instanceof EmpError) {
    // The message of an EmpError ends with its remedy.
    const { code, message, remedy } = error;
    return { code, message: remedy === undefined ? message : message.slice(0, -remedy.length).trimEnd(), remedy };
  }
  return {
    code: undefined,
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    remedy: undefined,
  };
}
