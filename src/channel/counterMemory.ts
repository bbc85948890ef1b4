import { HISTOGRAM_BUCKETS } from '../arq/histogram.js';
import { REJECT_REASONS } from '../wire/header.js';
import { CHANNEL_COUNTERS, ChannelCounter, ENGINE_COUNTERS } from './counters.js';

/** Where an engine and its channels count: in memory of their own, or in memory that other processes can read. */
export interface CounterMemory {
  /** By `EngineCounter`. */
  readonly engine: Float64Array;
  /** Frames that could not be decoded, by `Reject`. */
  readonly rejects: Float64Array;
  /** What the channels that are over have counted, together, by `ChannelCounter`. */
  readonly ended: Float64Array;
  /** Round trips of all channels: a histogram. */
  readonly roundTrips: Float64Array;
  /** Zeros for a new channel. `slot` is its alone until `close`. */
  open(slot: number, id: number, address: string, port: number): Float64Array;
  /** The channel is over: returns its counters in memory that stays. */
  close(slot: number, counters: Float64Array): Float64Array;
}

export class PlainCounters implements CounterMemory {
  readonly engine = new Float64Array(ENGINE_COUNTERS);
  readonly rejects = new Float64Array(REJECT_REASONS);
  readonly ended = new Float64Array(CHANNEL_COUNTERS);
  readonly roundTrips = new Float64Array(HISTOGRAM_BUCKETS);

  open(): Float64Array {
    return new Float64Array(CHANNEL_COUNTERS);
  }

  close(_slot: number, counters: Float64Array): Float64Array {
    addCounters(this.ended, counters);
    return counters;
  }
}

/** Adds a channel's counters to those of others. */
export function addCounters(sum: Float64Array, counters: Float64Array): void {
  const { roundTrips, roundTripMin, roundTripMax } = ChannelCounter;
  const least = sum[roundTrips] === 0 ? counters[roundTripMin] : sum[roundTripMin];
  const most = Math.max(sum[roundTripMax], counters[roundTripMax]);
  const isMeasured = counters[roundTrips] > 0;
  for (let i = 0; i < sum.length; i++) sum[i] += counters[i];
  sum[roundTripMin] = isMeasured ? Math.min(least, counters[roundTripMin]) : least;
  sum[roundTripMax] = most;
}
