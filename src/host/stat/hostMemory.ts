import { bucketsOf, HISTOGRAM_BUCKETS, type TimeBucket } from '../../arq/histogram.js';
import { addCounters, PlainCounters, type CounterMemory } from '../../channel/counterMemory.js';
import { ChannelCounter, EngineCounter, named } from '../../channel/counters.js';
import type { ChannelCounterName, EngineCounterName } from '../../channel/counters.js';
import { NIC_COUNTERS, NicCounter, type NicCounterName } from '../../nic/contract.js';
import { PATH_COUNTERS, PathCounter, type PathCounterName } from '../../path/counters.js';
import { Reject } from '../../wire/header.js';
import { LOOP_COUNTERS, LoopCounter, type LoopCounterName } from '../loopCounters.js';

/** Where all of a host counts: its engine and channels, its NIC, its loop. */
export interface HostMemory extends CounterMemory {
  /** By `NicCounter`. */
  readonly nic: Float64Array;
  /** By `LoopCounter`. */
  readonly loop: Float64Array;
  /** By `PathCounter`. */
  readonly paths: Float64Array;
  /** A histogram. */
  readonly turnLengths: Float64Array;
  /** Nobody reads any more; the counters stay. */
  end(): void;
}

/** Memory that nobody else sees. */
export class PlainHostMemory extends PlainCounters implements HostMemory {
  readonly nic = new Float64Array(NIC_COUNTERS);
  readonly loop = new Float64Array(LOOP_COUNTERS);
  readonly paths = new Float64Array(PATH_COUNTERS);
  readonly turnLengths = new Float64Array(HISTOGRAM_BUCKETS);

  end(): void {
    // nothing to free
  }
}

/** What a host has counted, by name. All but `roundTripMin` only grow. */
export interface HostCounters {
  nic: Record<NicCounterName, number>;
  /** Frames that reached no channel, and connections. */
  host: Record<EngineCounterName, number>;
  /** Frames that could not be decoded, by reason. */
  rejected: Record<string, number>;
  loop: Record<LoopCounterName, number>;
  /** All 0 unless the host has a list of NICs. */
  paths: Record<PathCounterName, number>;
  /** All channels together, those that are over included. */
  total: Record<ChannelCounterName, number>;
  /** How long turns with frames took, and the round trips of all channels: buckets that are not empty. */
  turnLengths: TimeBucket[];
  roundTrips: TimeBucket[];
  /** How many there are now. */
  channels: number;
}

export function countersOf(memory: HostMemory, channels: readonly Float64Array[]): HostCounters {
  const total = memory.ended.slice();
  for (const counters of channels) addCounters(total, counters);
  return {
    nic: named(NicCounter, memory.nic),
    host: named(EngineCounter, memory.engine),
    rejected: named(Reject, memory.rejects),
    loop: named(LoopCounter, memory.loop),
    paths: named(PathCounter, memory.paths),
    total: named(ChannelCounter, total),
    turnLengths: bucketsOf(memory.turnLengths),
    roundTrips: bucketsOf(memory.roundTrips),
    channels: channels.length,
  };
}
