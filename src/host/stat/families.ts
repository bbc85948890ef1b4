/** Counters as Prometheus wants them: families of a name, with samples that labels tell apart; seconds, not microseconds. */
import type { TimeBucket } from '../../arq/histogram.js';
import type { ChannelSnapshot, Counters, HostSnapshot } from './read.js';

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

export interface HistogramSample {
  readonly labels: Labels;
  readonly buckets: readonly TimeBucket[];
  /** µs */
  readonly sum: number;
}

interface Common {
  readonly name: string;
  readonly help: string;
}

export type Family =
  | (Common & { readonly type: 'counter' | 'gauge'; readonly samples: Sample[] })
  | (Common & { readonly type: 'histogram'; readonly samples: HistogramSample[] });

/** What to export, and under which labels. */
export interface Subject {
  readonly labels: Labels;
  readonly host: Pick<HostSnapshot, 'counters' | 'channels'>;
  /** Series for each channel besides those of all: as many as there are channels, with labels that come and go. */
  readonly perChannel: boolean;
}

const SECOND = 1_000_000;

/** Of the NIC that a host has: they tell the hosts of a process apart. */
export function nicLabels({ nic }: Pick<HostSnapshot, 'nic'>): Labels {
  const { driver, address, interface: name, queue } = nic;
  return { driver, interface: name ?? '', queue: queue === null ? '' : String(queue), address };
}

export function familiesOf(subjects: readonly Subject[]): Family[] {
  const families = new Families();
  for (const { labels, host, perChannel } of subjects) {
    const { nic, host: engine, rejected, loop, paths, total, turnLengths, roundTrips, channels } = host.counters;
    families.gauge('emp_channels', 'Channels now', labels, channels);
    families.all('emp_nic_', 'of the NIC', labels, nic);
    families.all('emp_host_', 'of the host', labels, engine);
    for (const [reason, value] of Object.entries(rejected)) {
      if (reason !== 'ok') families.counter('emp_rejected_frames', 'Frames not decoded', { ...labels, reason }, value);
    }
    // A host with one NIC has none.
    if (Object.values(paths).some((value) => value > 0)) families.all('emp_path_', 'of paths', labels, paths);
    families.counter('emp_turns', 'Turns of the run loop with frames', labels, loop['turns']);
    families.counter('emp_sleeps', 'Times the host went to sleep', labels, loop['sleeps']);
    families.histogram('emp_turn_seconds', 'Lengths of turns with frames', labels, turnLengths, loop['busyTime']);
    families.all('emp_', 'of all channels', labels, withoutTimes(total));
    const trips = 'Times from a frame to its acknowledgement';
    families.histogram('emp_round_trip_seconds', trips, labels, roundTrips, total['roundTripSum']);
    if (perChannel) for (const channel of host.channels) families.channel(labels, channel);
  }
  return [...families.byName.values()];
}

function withoutTimes(counters: Counters): Counters {
  return Object.fromEntries(Object.entries(counters).filter(([name]) => !name.startsWith('roundTrip')));
}

/** `messagesSent`: `messages_sent` */
function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

class Families {
  readonly byName = new Map<string, Family>();

  counter(name: string, help: string, labels: Labels, value: number | undefined): void {
    this.#add('counter', `${name}_total`, help, labels, value);
  }

  gauge(name: string, help: string, labels: Labels, value: number | undefined): void {
    this.#add('gauge', name, help, labels, value);
  }

  #add(type: 'counter' | 'gauge', name: string, help: string, labels: Labels, value: number | undefined): void {
    // What a file of another process says may be anything.
    if (value === undefined || !Number.isFinite(value) || value < 0) return;
    const family = this.byName.get(name) ?? { type, name, help, samples: [] };
    if (family.type !== 'histogram') family.samples.push({ labels, value });
    this.byName.set(name, family);
  }

  histogram(name: string, help: string, labels: Labels, buckets: readonly TimeBucket[], sum = 0): void {
    const family = this.byName.get(name) ?? { type: 'histogram', name, help, samples: [] };
    if (family.type === 'histogram') family.samples.push({ labels, buckets, sum });
    this.byName.set(name, family);
  }

  /** Resends and stalls are one family each, with a label for the cause. */
  all(prefix: string, whose: string, labels: Labels, counters: Counters): void {
    for (const [name, value] of Object.entries(counters)) {
      const [, cause, what] = /^([a-z]+)(Resends|Stalls)$/.exec(name) ?? [];
      if (cause === undefined) this.counter(prefix + snake(name), `${name} ${whose}`, labels, value);
      else this.counter(prefix + what.toLowerCase(), `${what} ${whose}`, { ...labels, cause }, value);
    }
  }

  channel(host: Labels, { id, address, port, counters }: ChannelSnapshot): void {
    const labels = { ...host, channel: id.toString(16), peer: address, port: String(port) };
    this.all('emp_channel_', 'of a channel', labels, withoutTimes(counters));
    const { roundTrips, roundTripSum, roundTripMin, roundTripMax } = counters;
    const name = 'emp_channel_round_trip';
    this.counter(`${name}s`, 'Round trips measured', labels, roundTrips);
    this.counter(`${name}_seconds`, 'Sum of the round trips', labels, roundTripSum / SECOND);
    this.gauge(`${name}_min_seconds`, 'The shortest round trip', labels, roundTripMin / SECOND);
    this.gauge(`${name}_max_seconds`, 'The longest round trip', labels, roundTripMax / SECOND);
  }
}
