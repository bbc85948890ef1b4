import { describe, expect, test } from 'vitest';

import { failoverText, gapsOf } from '../../bench/failover/result.js';
import type { FailoverResult } from '../../bench/failover/result.js';
import { emp } from '../support/emp.js';
import { describeRoot } from '../support/root.js';

test('gaps of an odd and of a single number', () => {
  expect(gapsOf([3, 1, 2])).toEqual({ p50: 2, p99: 3, max: 3 });
  expect(gapsOf([0.12345])).toEqual({ p50: 0.123, p99: 0.123, max: 0.123 });
});

describeRoot('emp bench failover', () => {
  for (const [drivers, policy] of [
    ['xdp', 'failover'],
    ['packet,udp', 'duplicate'],
  ]) {
    test(`${drivers}, ${policy}: a result that says what was lost, and how long nothing came`, async () => {
      const args = ['--driver', drivers, '--policy', policy, '--failures', '6', '--every', '300', '--json'];
      const { code, stdout, stderr } = await emp('bench', 'failover', ...args);
      expect(stderr).toBe('');
      expect(code).toBe(0);
      const lines = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as FailoverResult);
      const result = lines.find(({ test: name }) => name === 'failover')!;
      expect(result).toMatchObject({
        driver: drivers.replace(',', '+'),
        policy,
        failures: 6,
        links: 2,
        size: 1000,
        window_ms: 60,
      });
      expect(result).toMatchObject({ lost: 0, duplicated: 0, reordered: 0, bonding: { miimon_ms: 100 } });
      expect(result.messages).toBeGreaterThan(1000);
      expect(Object.keys(result.gap_by_kind_ms)).toEqual(['link', 'peer', 'silent']);
      // A failure lasts 150 ms: who does not find another way sees all of it. There are two of each kind.
      for (const { max } of Object.values(result.gap_by_kind_ms)) expect(max).toBeLessThan(140);
      const { return_gap_ms, quiet_gap_ms, away_gap_ms, back_gap_ms } = result;
      for (const gaps of [return_gap_ms, quiet_gap_ms, away_gap_ms, back_gap_ms]) expect(gaps.max).toBeGreaterThan(0);
      expect(failoverText(result)).toContain('lost 0, doubled 0, reordered 0');
    }, 60_000);
  }
});

describe('what makes no sense is refused', () => {
  for (const args of [
    ['--driver', 'memory'],
    ['--kinds', 'rain'],
    ['--links', '1'],
    ['--policy', 'best'],
    ['--every', '1'],
    ['--driver', 'xdp,packet,udp'],
  ]) {
    test(args.join(' '), async () => {
      const { code, stderr } = await emp('bench', 'failover', ...args);
      expect(code).toBe(2);
      expect(stderr).toContain(args[0]);
    });
  }
});
