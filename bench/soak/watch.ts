/** What a process holds in the course of time, and whether that grows. */
import { readdirSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';

export interface Sample {
  readonly seconds: number;
  /** Resident memory of the process, what of it is JavaScript's, and what lies outside of its heap, bytes. */
  readonly rss: number;
  readonly heap: number;
  readonly external: number;
  readonly descriptors: number;
}

export interface Growth {
  /** Of a straight line through resident memory, least squares, bytes per second. */
  readonly slope: number;
  /** What it comes to, from the first sample that counts to the last, bytes. */
  readonly bytes: number;
  /** From the first sample of all. */
  readonly descriptors: number;
}

/** Until so much of the time is over, memory may grow: the compiler is at work, pools are filled. */
const WARM_UP = 1 / 3;
/** So much of a slope is the allocator's, bytes. */
const FLAT = 16 << 20;

/** After what is garbage is gone, as far as somebody asked for `--expose-gc`. */
export async function sample(seconds: number): Promise<Sample> {
  for (let i = 0; i < 2; i++) {
    globalThis.gc?.();
    await turn(); // finalizers run
  }
  const { rss, heapUsed: heap, external } = process.memoryUsage();
  return { seconds, rss, heap, external, descriptors: readdirSync('/proc/self/fd').length };
}

/** Those after the warming up. */
export function settled(samples: readonly Sample[]): readonly Sample[] {
  const end = samples.at(-1)?.seconds ?? 0;
  return samples.filter(({ seconds }) => seconds >= end * WARM_UP);
}

export function growthOf(samples: readonly Sample[]): Growth {
  const kept = settled(samples);
  if (kept.length < 2) return { slope: 0, bytes: 0, descriptors: 0 };
  const mean = (of: (one: Sample) => number): number => kept.reduce((sum, one) => sum + of(one), 0) / kept.length;
  const [x, y] = [mean(({ seconds }) => seconds), mean(({ rss }) => rss)];
  const spread = mean(({ seconds }) => (seconds - x) ** 2);
  const slope = spread === 0 ? 0 : mean(({ seconds, rss }) => (seconds - x) * (rss - y)) / spread;
  const [first, last] = [kept[0], kept[kept.length - 1]];
  return {
    slope,
    bytes: slope * (last.seconds - first.seconds),
    descriptors: last.descriptors - samples[0].descriptors,
  };
}

/** What has grown; empty: nothing. */
export function complaints({ bytes, descriptors }: Growth): string[] {
  return [
    ...(descriptors > 0 ? [`${descriptors} descriptors are left`] : []),
    ...(bytes > FLAT ? [`memory has grown by ${(bytes / 2 ** 20).toFixed(1)} MiB`] : []),
  ];
}
