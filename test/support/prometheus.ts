/** What a Prometheus endpoint says, as Prometheus would read it. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export class Metrics {
  constructor(
    readonly types: ReadonlyMap<string, string>,
    readonly all: readonly Sample[],
  ) {}

  names(): string[] {
    return [...new Set(this.all.map(({ name }) => name))];
  }

  type(name: string): string | undefined {
    return this.types.get(name);
  }

  samples(name: string): Sample[] {
    return this.all.filter((sample) => sample.name === name);
  }

  /** Of the only sample that has these labels. */
  value(name: string, labels: Readonly<Record<string, string>>): number {
    const wanted = Object.entries(labels);
    const found = this.samples(name).filter((sample) => wanted.every(([key, value]) => sample.labels[key] === value));
    if (found.length !== 1) throw new Error(`${found.length} samples of ${name} have ${JSON.stringify(labels)}`);
    return found[0].value;
  }
}

/** Throws at a line that is malformed, and at a sample that comes twice. */
export function parseMetrics(text: string): Metrics {
  const types = new Map<string, string>();
  const samples = new Map<string, Sample>();
  for (const line of text.split('\n')) {
    const [, typed, type] = /^# TYPE (\w+) (\w+)$/.exec(line) ?? [];
    if (typed !== undefined) types.set(typed, type);
    if (line === '' || line.startsWith('#')) continue;
    const [, name, list, value] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined || Number.isNaN(Number(value))) throw new Error(`malformed: ${line}`);
    const pairs = [...(list ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text]) => [key, text] as const);
    const key = line.slice(0, line.lastIndexOf(' '));
    if (samples.has(key)) throw new Error(`twice: ${key}`);
    samples.set(key, { name, labels: Object.fromEntries(pairs), value: Number(value) });
  }
  return new Metrics(types, [...samples.values()]);
}
