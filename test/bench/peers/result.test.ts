import { describe, expect, it } from 'vitest';

import type { Figures } from '../../../bench/peers/contract.js';
import { failedRow, ranked, rowOf, type PeerRow, type PeersResult } from '../../../bench/peers/result.js';
import { peersCsv, peersText } from '../../../bench/peers/table.js';
import { describeMachine } from '../../../bench/machine.js';

const who = (peer: string, transport: string) =>
  ({ test: 'pingpong', peer, version: '1.0', transport, size: 16, sleeps: false, note: 'C' }) as const;
const pingpong = (peer: string, transport: string, ...turns: Figures['rtt_us'][]): PeerRow =>
  rowOf(
    who(peer, transport),
    turns.map((rtt_us) => ({ rtt_us: rtt_us! })),
  );
const names = (rows: readonly PeerRow[]): string[] => rows.map(({ peer, transport }) => `${peer} ${transport}`);

describe('a row', () => {
  it('has medians over the slices, and how far these lie apart', () => {
    const row = pingpong('a', 'udp', { p50: 5, p99: 9 }, { p50: 4, p99: 30 }, { p50: 6, p99: 8 });
    expect(row).toMatchObject({ measure: 'p50', rtt_us: { p50: 5, p99: 9 }, values: [5, 4, 6], spread: 0.4 });
  });

  it('takes each figure from the slices that have it', () => {
    const row = pingpong('a', 'udp', { p50: 5, mean: 6 }, { p99: 9, mean: 8 });
    expect(row).toMatchObject({ measure: 'p50', rtt_us: { p50: 5, p99: 9, mean: 7 }, values: [5] });
  });

  it('goes by the mean where there is no median', () => {
    expect(pingpong('a', 'udp', { mean: 6 }, { mean: 8 })).toMatchObject({ measure: 'mean', values: [6, 8] });
  });

  it('says what turned out on the way before what was known', () => {
    expect(rowOf(who('a', 'udp'), [{ rtt_us: { p50: 1 }, note: 'native' }]).note).toBe('native; C');
  });
});

describe('rows of one test', () => {
  const emp = [pingpong('emp', 'xdp', { p50: 2, mean: 3 }), pingpong('emp', 'udp', { p50: 4, mean: 5 })];

  it('stand in the order of their medians, whoever is first; those that failed come last', () => {
    const rows = ranked([
      failedRow(who('broken', 'tcp'), 'no route'),
      ...emp,
      pingpong('slow', 'tcp', { p50: 8 }),
      pingpong('fast', 'rdma', { p50: 1 }),
      pingpong('middle', 'udp', { mean: 3 }),
    ]);
    expect(names(rows)).toEqual(['fast rdma', 'emp xdp', 'middle udp', 'emp udp', 'slow tcp', 'broken tcp']);
  });

  it("are compared with emp's best driver and with emp over udp, means with means", () => {
    const [, , slow, means] = ranked([...emp, pingpong('slow', 'tcp', { p50: 8 }), pingpong('z', 'udp', { mean: 15 })]);
    expect(slow).toMatchObject({ ratio_best: 4, ratio_udp: 2 });
    expect(means).toMatchObject({ ratio_best: 5, ratio_udp: 3 });
  });

  it('have no ratios without emp', () => {
    expect(ranked([pingpong('a', 'udp', { p50: 8 })])).toMatchObject([{ ratio_best: null, ratio_udp: null }]);
  });

  it('are ordered by bandwidth, most first, where that is measured', () => {
    const rate = (peer: string, gbit_per_s: number): PeerRow =>
      rowOf({ ...who(peer, 'udp'), test: 'throughput' }, [{ gbit_per_s }]);
    const rows = ranked([rate('a', 5), failedRow(who('c', 'tcp'), 'no'), rate('emp', 10), rate('b', 20)]);
    expect(rows.map(({ peer, ratio_best }) => [peer, ratio_best])).toEqual([
      ['b', 2],
      ['emp', 1],
      ['a', 0.5],
      ['c', null],
    ]);
  });
});

describe('what is printed', () => {
  const result: PeersResult = {
    test: 'peers',
    rows: [
      ...ranked([
        pingpong('emp', 'udp', { p50: 4, p99: 6, mean: 5 }),
        pingpong('means', 'tcp', { mean: 15 }),
        failedRow(who('broken', 'tcp'), 'it said "no", twice'),
      ]),
      rowOf({ ...who('flood', 'tcp'), test: 'throughput', size: 1000 }, [{ gbit_per_s: 12.345 }]),
    ],
    missing: [{ peer: 'sockperf', install: 'apt install sockperf' }],
    ...{ rounds: 1000, warmup: 100, seconds: 1, slices: 2, noise: ['the load average is 9'], wire: 'loopback' },
    cores: { client: 0, server: 1 },
    machine: describeMachine(),
  };

  it('is a table for each test and size, with failures, and how to install what is missing', () => {
    const text = peersText(result);
    for (const line of [
      /^wire +loopback$/m,
      /^noisy +the load average is 9$/m,
      /^ping-pong {2}16 bytes/m,
      /^peer +over +p50 +p99 +mean +x emp +x emp udp +spread$/m,
      /^emp 1\.0 +udp +4\.00 +6\.00 +5\.00 +1\.00 +1\.00 +0 % +C$/m,
      /^means 1\.0 +tcp +- +- +15\.00 +~3\.00 +~3\.00 /m,
      /^broken 1\.0 .* failed: it said "no", twice$/m,
      /^flood 1\.0 +tcp +12\.3[45] +- +- /m,
      /^ {2}sockperf +apt install sockperf$/m,
    ]) {
      expect(text).toMatch(line);
    }
  });

  it('or a line of CSV for each row, with quotes where they are needed', () => {
    const [header, ...lines] = peersCsv(result).split('\n');
    expect(header).toMatch(/^test,size,peer,version,transport,min_us,p50_us,.*,gbit_per_s,.*,note,error$/);
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/^pingpong,16,emp,1\.0,udp,,4,,6,/);
    expect(lines[2]).toMatch(/,"it said ""no"", twice"$/);
  });
});
