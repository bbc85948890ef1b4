// What happened between two looks.
import type { TimeBucket } from '../../arq/histogram.js';
import type { Counters, HostSnapshot } from '../../host/stat/read.js';

/** Two looks at a host, so many seconds apart. */
export interface Before {
  readonly host: HostSnapshot;
  readonly seconds: number;
}

/** By name; the shortest and the longest time have no rate. */
export function perSecond(now: Counters, before: Counters | undefined, seconds: number): Counters {
  const names = Object.keys(now).filter((name) => !/Min$|Max$|^longest/.test(name));
  return Object.fromEntries(names.map((name) => [name, (now[name] - (before?.[name] ?? 0)) / seconds]));
}

export interface Rates {
  readonly nic: Counters;
  readonly host: Counters;
  readonly rejected: Counters;
  readonly paths: Counters;
  readonly loop: Counters;
  readonly total: Counters;
}

export function ratesOf({ counters }: HostSnapshot, before: Before): Rates {
  const { counters: then } = before.host;
  const rate = (name: keyof Rates): Counters => perSecond(counters[name], then[name], before.seconds);
  return {
    nic: rate('nic'),
    host: rate('host'),
    rejected: rate('rejected'),
    loop: rate('loop'),
    paths: rate('paths'),
    total: rate('total'),
  };
}

/** Rates of the channels, by id. */
export function channelRates({ channels }: HostSnapshot, { host, seconds }: Before): Map<number, Counters> {
  const then = new Map(host.channels.map(({ id, counters }) => [id, counters]));
  return new Map(channels.map(({ id, counters }) => [id, perSecond(counters, then.get(id), seconds)]));
}

/** Times that came between two looks. */
export function newTimes(now: readonly TimeBucket[], before: readonly TimeBucket[]): TimeBucket[] {
  const then = new Map(before.map(({ from, count }) => [from, count]));
  return now
    .map((bucket) => ({ ...bucket, count: bucket.count - (then.get(bucket.from) ?? 0) }))
    .filter(({ count }) => count > 0);
}
