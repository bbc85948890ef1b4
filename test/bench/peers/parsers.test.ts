// What the tools printed when they were run over a testbed, word for word (recorded/), and what is read from it.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import { Unreadable, type Bout, type Figures } from '../../../bench/peers/contract.js';
import { parseFiPingpong } from '../../../bench/peers/fiPingpong.js';
import { parseIperf3 } from '../../../bench/peers/iperf3.js';
import { parseNode } from '../../../bench/peers/node.js';
import { parseOpenmpi } from '../../../bench/peers/openmpi.js';
import { parseQperfBandwidth, parseQperfLatency } from '../../../bench/peers/qperf.js';
import { parseSockperf, parseSockperfBandwidth } from '../../../bench/peers/sockperf.js';
import { parseUcxBandwidth, parseUcxLatency } from '../../../bench/peers/ucx.js';

const recorded = (name: string): string => readFileSync(new URL(`recorded/${name}.txt`, import.meta.url), 'utf8');

const parsePingpong = (text: string): Figures => parseOpenmpi(text, { test: 'pingpong' } as Bout);
const parseThroughput = (text: string): Figures => parseOpenmpi(text, { test: 'throughput' } as Bout);

describe('figures of', () => {
  it.each<[string, (text: string) => Figures, Figures]>([
    [
      'sockperf-tcp',
      parseSockperf,
      {
        rtt_us: {
          ...{ min: 4.524, p50: 5.365, p90: 5.722, p99: 198.839 },
          ...{ p999: 13920.446, p9999: 54582.875, max: 111962.058, mean: 72.457 },
        },
      },
    ],
    ['fi_pingpong-udp', parseFiPingpong, { rtt_us: { mean: 8.64 } }], // two transfers
    ['fi_pingpong-tcp', parseFiPingpong, { rtt_us: { mean: 32.78 } }],
    ['ucx_perftest-p50', parseUcxLatency, { rtt_us: { p50: 6.54, mean: 22.244 } }], // there and back
    ['ucx_perftest-p99', parseUcxLatency, { rtt_us: { p99: 7.458, mean: 16.822 } }],
    ['iperf3', parseIperf3, { gbit_per_s: 20.4625580318246 }],
    ['qperf-udp', parseQperfLatency, { rtt_us: { mean: 70.1484 } }],
    ['qperf-bandwidth', parseQperfBandwidth, { gbit_per_s: 19.936 }],
    [
      'openmpi-pingpong',
      parsePingpong,
      {
        rtt_us: {
          ...{ min: 6.448, p50: 7.16, p90: 7.535, p99: 8.612 },
          ...{ p999: 45.476, p9999: 94.188, max: 3752.755, mean: 7.382 },
        },
      },
    ],
    ['openmpi-throughput', parseThroughput, { gbit_per_s: 18.7074 }],
  ])('%s', (name, parse, figures) => {
    expect(parse(recorded(name))).toEqual(figures);
  });

  it('sockperf over udp', () => {
    const { min, p50, p99, max } = parseSockperf(recorded('sockperf-udp')).rtt_us!;
    expect([min, p50, p99, max]).toEqual([min, p50, p99, max].map(Number).sort((a, b) => a - b));
  });

  it('sockperf, whose megabits are 2^20 bits', () => {
    // 3057 messages of 1 000 000 bytes in 2.000 s.
    const { gbit_per_s } = parseSockperfBandwidth(recorded('sockperf-throughput'));
    expect(gbit_per_s).toBeCloseTo((8e6 * 3057) / 2 / 1e9, 2);
  });

  it('ucx_perftest, whose megabytes are 2^20 bytes', () => {
    // 2000 messages of 1 000 000 bytes, 422.452 µs each.
    expect(parseUcxBandwidth(recorded('ucx_perftest-bandwidth')).gbit_per_s).toBeCloseTo(8e6 / 422.452 / 1e3, 2);
  });
});

describe('what cannot be read is said with what was printed instead', () => {
  const parsers = {
    parseSockperf,
    parseSockperfBandwidth,
    parseFiPingpong,
    parseUcxLatency,
    parseUcxBandwidth,
    parseIperf3,
    parseQperfLatency,
    parseQperfBandwidth,
    parsePingpong,
    parseThroughput,
    parseNode,
  };

  it.each(Object.entries(parsers))('%s', (_name, parse) => {
    for (const text of ['', 'connect: Connection refused\n', '{"percentile": ', recorded('iperf3').slice(0, 900)]) {
      expect(() => parse(text)).toThrow(Unreadable);
    }
    expect(() => parse('one\nconnect: Connection refused\n')).toThrow(/in what it printed: .*Connection refused$/);
    expect(() => parse('')).toThrow(/in what it printed: nothing$/);
  });

  it('a failure that iperf3 reports as JSON, with its words', () => {
    expect(() => parseIperf3(recorded('iperf3-refused'))).toThrow('unable to connect to server: Connection refused');
  });
});
