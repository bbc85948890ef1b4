// What the runner tells the two ends of a measurement, and what they answer. One process has one end, or (memory driver) both.
import type { LinkAddress, NicInfo, NicOptions } from '../../src/index.js';
import type { Losses } from '../pingpong/tally.js';
import type { Wait } from '../pingpong/commands.js';

/** Channel ports of the server ('empb' and what follows): where it is asked to take part; an echo; a sink, and one that checks every byte. */
export const CONTROL_PORT = 0x656d7062;
export const ECHO_PORT = CONTROL_PORT + 1;
export const SINK_PORT = CONTROL_PORT + 2;
export const VERIFYING_SINK_PORT = CONTROL_PORT + 3;

/** How an end behaves in a measurement. */
export interface Manner {
  wait: Wait;
  /** Share of its frames that are lost on the way; see lossyNic.ts. */
  loss?: number;
  seed?: number;
  /** Work that the server's event loop does besides, without pause, in pieces of so many µs. */
  work?: number;
}

export interface Serve extends Manner {
  nic: NicOptions;
}

/** What the client does. */
export type TaskOptions =
  | { kind: 'flood'; size: number; verify: boolean }
  | {
      kind: 'requests';
      size: number;
      verify: boolean;
      outstanding: number;
      channels: number;
      timed: number;
      seed: number;
    }
  | { kind: 'load'; size: number; verify: boolean; rate: number }
  | { kind: 'rest' };

export interface Ask extends Serve {
  address: LinkAddress;
  /** The server is elsewhere, and is asked to behave so. */
  server?: Manner;
  port: number;
  task: TaskOptions;
}

/** How long a client goes on: µs, or messages; first to warm up, then what counts. */
export interface Limit {
  unit: 'us' | 'messages';
  warmup: number;
  measured: number;
}

/** What a client's run brought. */
export interface Outcome extends Losses {
  /** Messages (flood), or answers, within the measured time. */
  count: number;
  /** Payload of these. */
  bytes: number;
  /** The measured time, µs: at the receiver (flood), or at the client. */
  elapsed: number;
  /** Round trips, µs. */
  samples: Float64Array;
  /** Open loop: requests that were due and not sent, because the channel did not take them. */
  unsent?: number;
}

export interface Opened {
  address: LinkAddress;
  info: NicInfo;
}

/** Processor time of a process so far, and when that was, µs. */
export interface CpuTime {
  used: number;
  at: number;
  /** The longest stall of the server's event loop in a flood that has ended, ms; null if there was none, if it spins, and of a client. */
  stall: number | null;
}

export interface EndCommands {
  serve(options: Serve): Promise<Opened>;
  ask(options: Ask): Promise<Opened>;
  run(limit: Limit): Promise<Outcome>;
  /** From now on the server polls without pause. */
  spin(): Promise<void>;
  cpu(): Promise<CpuTime>;
  /** That of the server elsewhere. */
  cpuThere(): Promise<CpuTime>;
  close(): Promise<void>;
}

/** Types of messages of a flood: the receiver reads its clock at the marks. */
export const Mark = { none: 0, start: 1, end: 2 } as const;
