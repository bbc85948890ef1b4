// Results as measurements would give them, of every test there is: figures that look like those of a machine, from a seed.
import { distributionOf } from '../../../bench/distribution.js';
import { rounded, summarize } from '../../../bench/samples.js';
import { SEED } from '../../support/seed.js';

type Result = Record<string, unknown> & { test: string };

const MACHINE = {
  cpu: 'A processor @ 2.00GHz',
  cores: [0, 1],
  isolated: [],
  kernel: '6.1.0',
  node: 'v20.20.2',
  virtualization: 'a hypervisor',
  cStates: [],
  governor: null,
};
const COMMON = {
  wait: 'spin',
  mode: 'native-copy',
  cores: { client: 0, server: 1 },
  wire: 'a veth pair between two namespaces',
  machine: MACHINE,
  noisy: false,
  noise: [],
  notes: [],
  baseline: null,
  baseline_note: null,
};

/** xorshift32, in (0, 1) */
function chance(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >>> 0) + 0.5) / 2 ** 32;
  };
}

/** Round trips about `middle` µs, with the long tail of a shared machine. */
function roundTrips(middle: number, seed: number, count = 20_000): Record<string, unknown> {
  const random = chance(SEED ^ seed);
  const samples = Float64Array.from({ length: count }, () => {
    const rare = random() < 0.003 ? 1 / (0.05 + random()) : 0;
    return middle * (0.85 + 0.06 * -Math.log(random()) + 0.08 * random() + rare);
  });
  const rtt_us = rounded(summarize(samples));
  return { rtt_us, ...distributionOf(samples), rounds: count };
}

const DRIVERS = [
  ['xdp', 3.1],
  ['packet', 5.4],
  ['udp', 9.6],
] as const;

function pingpongs(): Result[] {
  return [16, 1024].flatMap((size) =>
    DRIVERS.map(([driver, us]): Result => {
      const extra = size / 1024;
      const floor = roundTrips(us / 1.25 + extra, size + 7);
      const ours = roundTrips(us + extra, size);
      const baseline = { program: 'pingpong', mode: 'native-copy', ...floor };
      return { ...COMMON, test: 'pingpong', driver, size, ...ours, baseline, ratio_p50: 1.25, ratio_p99: 1.31 };
    }),
  );
}

function sweeps(): Result[] {
  return DRIVERS.flatMap(([driver, us]) => {
    const one = (test: string, fields: Record<string, unknown>): Result => ({ ...COMMON, test, driver, ...fields });
    const peak = 90 / us;
    const trip = (middle: number) => ({ rtt_us: roundTrips(middle, us, 2000)['rtt_us'] });
    return [
      ...[16, 64, 256, 512, 1024, 4096, 16384].map((size) => {
        const gbit_per_s = (peak * size) / (size + 400);
        const baseline = { program: 'flood', frames_per_s: 6e6 / us, gbit_per_s: (8 * 64 * 6e6) / us / 1e9 };
        const messages_per_s = (gbit_per_s * 1e9) / 8 / size;
        const ratio = messages_per_s / baseline.frames_per_s;
        const ratios = { ratio, ratio_low: ratio * 0.9, ratio_high: ratio * 1.2 };
        const noise = size === 256 ? { noisy: true, noise: ['the slices lie 31 % apart'] } : {};
        return one('rate', { size, gbit_per_s, messages_per_s, baseline, ...ratios, ...noise });
      }),
      ...[1, 4, 16, 64, 100].map((mb) =>
        one('throughput', { size: mb * 1e6, gbit_per_s: peak * (1 - 0.3 / (mb + 1)) }),
      ),
      ...[1, 2, 4, 8, 16, 32, 64].map((depth) => {
        const requests_per_s = (1e6 / us) * Math.min(depth, 6);
        return one('depth', { size: 16, depth, requests_per_s, ...trip(us * Math.max(1, depth / 6)) });
      }),
      ...[1, 4, 16, 64].map((outstanding) =>
        one('requests', { size: 16, outstanding, requests_per_s: (4e6 / us) * (1 - 0.7 / outstanding) }),
      ),
      ...[0.1, 0.3, 0.6, 0.8, 0.95].map((part) =>
        one('load', { size: 16, offered_per_s: Math.round((part * 3e6) / us), ...trip(us / (1 - part)) }),
      ),
      ...[1, 4, 16, 64, 256, 1024].map((channels) =>
        one('connections', {
          size: 16,
          channels,
          requests_per_s: 2e6 / us - channels * 10,
          ...trip(us * (1 + channels / 8000)),
        }),
      ),
      ...[0, 0.01, 0.02, 0.05, 0.1, 0.3].map((loss) =>
        one('loss', { size: 1024, loss, gbit_per_s: peak * (1 - loss) ** 8, ...trip(us * (1 + loss)) }),
      ),
    ];
  });
}

function idle(): Result[] {
  return ['spin', 'event', 'adaptive'].map((wait, i) => ({
    ...COMMON,
    test: 'idle',
    driver: 'udp',
    size: 16,
    wait,
    cpu: { client: [1, 0.004, 0.01][i], server: [1, 0.003, 0.008][i] },
    rtt_us: roundTrips([9.6, 31, 12][i], i, 2000)['rtt_us'],
  }));
}

function peers(): Result {
  const row = (peer: string, version: string, transport: string, test: string, value: number): Result => ({
    test,
    peer,
    version,
    transport,
    size: test === 'pingpong' ? 16 : 1_000_000,
    rtt_us:
      test === 'pingpong'
        ? peer === 'qperf'
          ? { mean: value }
          : { p50: value, p99: value * 2, mean: value * 1.1 }
        : null,
    gbit_per_s: test === 'pingpong' ? null : value,
    note: 'C',
    error: null,
  });
  return {
    ...COMMON,
    test: 'peers',
    rows: [
      row('emp', '0.1.0', 'xdp', 'pingpong', 3.1),
      row('emp', '0.1.0', 'udp', 'pingpong', 9.6),
      row('sockperf', '3.7', 'udp', 'pingpong', 9.2),
      row('ucx_perftest', '1.13.1', 'tcp, poll', 'pingpong', 17.9),
      row('qperf', '0.4.11', 'tcp', 'pingpong', 24),
      row('Node dgram', '20.20.2', 'udp', 'pingpong', 61),
      row('emp', '0.1.0', 'udp', 'throughput', 14),
      row('iperf3', '3.12', 'tcp', 'throughput', 11),
      { ...row('ucx_perftest', '1.13.1', 'tcp', 'throughput', 0), gbit_per_s: null, error: 'no answer in 30 s' },
    ],
    missing: [{ peer: 'fi_pingpong', install: 'apt-get install libfabric-bin' }],
  };
}

/** A list, as a report reads it. `</script>` and the like are there on purpose. */
export function sampleResults(): Result[] {
  const unknown = { ...COMMON, test: 'juggling', driver: 'udp', balls: 5, remark: '</script><b>&' };
  return [...pingpongs(), ...sweeps(), ...idle(), peers(), unknown];
}
