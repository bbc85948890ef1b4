import type { LinkAddress, NicOptions, PathPolicy, WaitStrategy } from '../../src/index.js';

/** What one end opens. */
export interface OpenEnd {
  readonly nics: readonly NicOptions[];
  readonly policy: PathPolicy;
  readonly wait: WaitStrategy;
  readonly port: number;
  readonly size: number;
  /** Of the client: where the server is. */
  readonly address?: LinkAddress;
}

/** What the receiving application has seen since it was asked last, and in all. */
export interface Seen {
  /** Between two messages, ms. */
  readonly longestGap: number;
  /** Since the newest message, ms. */
  readonly silentFor: number;
  readonly received: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
}

export interface FailoverCommands {
  open(options: OpenEnd): Promise<LinkAddress>;
  /** Of the client: the interface that frames go by. */
  active(): Promise<string>;
  /** Of the server. */
  seen(): Promise<Seen>;
  /** Of the client: sends no more; how many messages it has sent, when all were delivered. */
  finish(): Promise<number>;
  close(): Promise<void>;
}
