/** Families as metrics of prom-client, which is loaded by who asks for metrics, not by who imports this package. */
import type * as PromClientModule from 'prom-client';
import type { Registry } from 'prom-client';

import type { Family, HistogramSample } from './families.js';

export type PromClient = typeof PromClientModule;

export function loadPromClient(): Promise<PromClient> {
  return import('prom-client');
}

interface Configuration {
  readonly name: string;
  readonly help: string;
  readonly labelNames: string[];
  readonly registers: [Registry];
}

/** Registers families with the names and labels of `template`; at each collection `source` says what they hold. */
export function registerFamilies(
  client: PromClient,
  register: Registry,
  template: readonly Family[],
  source: () => readonly Family[],
): void {
  const latest = oncePerCollection(() => new Map(source().map((family) => [family.name, family])));
  for (const { name, help, type, samples } of template) {
    const labelNames = [...new Set(samples.flatMap(({ labels }) => Object.keys(labels)))];
    const configuration: Configuration = { name, help, labelNames, registers: [register] };
    const now = (): Family | undefined => latest().get(name);
    if (type === 'counter') registerCounter(client, configuration, now);
    else if (type === 'gauge') registerGauge(client, configuration, now);
    else registerHistogram(client, configuration, now);
  }
}

type Now = () => Family | undefined;

function registerCounter(client: PromClient, configuration: Configuration, now: Now): void {
  new client.Counter({
    ...configuration,
    collect() {
      this.reset();
      const family = now();
      if (family?.type === 'counter') for (const { labels, value } of family.samples) this.inc({ ...labels }, value);
    },
  });
}

function registerGauge(client: PromClient, configuration: Configuration, now: Now): void {
  new client.Gauge({
    ...configuration,
    collect() {
      this.reset();
      const family = now();
      if (family?.type === 'gauge') for (const { labels, value } of family.samples) this.set({ ...labels }, value);
    },
  });
}

/** s: powers of two of µs up to about a second. */
const BOUNDS = Array.from({ length: 21 }, (_, power) => 2 ** power / 1e6);

/** prom-client's histograms take one observation after the other; this one is given all at once. */
function registerHistogram(client: PromClient, configuration: Configuration, now: Now): void {
  const { name, help } = configuration;
  const get = () => {
    const family = now();
    const values = family?.type === 'histogram' ? family.samples.flatMap((sample) => valuesOf(name, sample)) : [];
    return Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values });
  };
  Object.assign(new client.Histogram({ ...configuration, buckets: BOUNDS }), { get, getForPromString: get });
}

function valuesOf(name: string, { labels, buckets, sum }: HistogramSample) {
  const upTo = (bound: number): number =>
    buckets.reduce((total, { to, count }) => (to / 1e6 <= bound ? total + count : total), 0);
  const all = upTo(Infinity);
  return [
    ...BOUNDS.map((bound) => ({ metricName: `${name}_bucket`, labels: { ...labels, le: bound }, value: upTo(bound) })),
    { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: all },
    { metricName: `${name}_sum`, labels, value: sum / 1e6 },
    { metricName: `${name}_count`, labels, value: all },
  ];
}

/** All metrics of a collection are asked in one turn of the event loop: they get one and the same answer. */
function oncePerCollection<Value>(read: () => Value): () => Value {
  let kept: { value: Value } | undefined;
  return () => {
    if (kept === undefined) {
      kept = { value: read() };
      setImmediate(() => (kept = undefined));
    }
    return kept.value;
  };
}
