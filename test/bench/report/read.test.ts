import { describe, expect, test } from 'vitest';

import { readFiles, readResults } from '../../../bench/report/read.js';

const PINGPONG = '{ "test": "pingpong", "driver": "udp", "size": 16, "rtt_us": { "p50": 9 }, "baseline": null }';
const tests = (text: string): string[] => readResults(text, 'f.json').runs.map(({ test }) => test);

describe('what goes in', () => {
  test('a list, one object, objects on lines of their own', () => {
    expect(tests(`[${PINGPONG}, {"test":"rate"}]`)).toEqual(['pingpong', 'rate']);
    expect(tests(PINGPONG)).toEqual(['pingpong']);
    expect(tests(`${PINGPONG}\n\n{"test":"rate"}\n`)).toEqual(['pingpong', 'rate']);
  });

  test('results.json: the machine is that of each result, and what failed is told', () => {
    const file = `{ "machine": { "cpu": "C" }, "results": [${PINGPONG}], "failed": [{ "driver": "xdp", "reason": "no root" }] }`;
    const { runs, absent } = readResults(file, 'f.json');
    expect(runs[0].machine?.cpu).toBe('C');
    expect(absent).toEqual(['xdp: no root']);
  });

  test('what --json prints: the machine first, which is no result', () => {
    const { runs } = readResults(`{"test":"machine","cpu":"C"}\n${PINGPONG}\n`, 'f.json');
    expect(runs).toMatchObject([{ test: 'pingpong', machine: { cpu: 'C' } }]);
  });

  test('rows of peers are results, too', () => {
    const file = `{ "test": "peers", "wire": "w", "rows": [{ "test": "pingpong", "peer": "qperf", "rtt_us": { "mean": 2 } }],
      "missing": [{ "peer": "sockperf", "install": "apt-get install sockperf" }] }`;
    const { runs, absent } = readResults(file, 'f.json');
    expect(runs).toMatchObject([{ test: 'pingpong', peer: 'qperf', wire: 'w' }]);
    expect(absent).toEqual(['sockperf is not installed: apt-get install sockperf']);
  });

  test('null is absent, and unknown fields are kept', () => {
    const [run] = readResults('{ "test": "rate", "baseline": null, "colour": "red" }', 'f.json').runs;
    expect(run).not.toHaveProperty('baseline');
    expect(run.raw['colour']).toBe('red');
  });
});

describe('what is wrong is named, with its place', () => {
  test.each([
    ['', /^f\.json is not JSON/],
    ['[1', /^f\.json is not JSON/],
    [`${PINGPONG}\n{ "test": `, /^f\.json, line 2 is not JSON/],
    ['[3]', /^f\.json, result 1: .*expected an object, found 3/],
    ['[{ "size": 3 }]', /^f\.json, result 1: field 'test': expected the name of a test, found nothing/],
    [`[${PINGPONG}, { "test": "rate", "rtt_us": { "p50": "x" } }]`, /result 2: field 'rtt_us\.p50': expected a number/],
    ['{ "test": "loss", "loss": 30 }', /^f\.json: field 'loss': expected a share from 0 to 1, found 30/],
    ['{ "test": "x", "percentiles": [[0.5, 1], 7] }', /field 'percentiles\[1\]': expected a pair of numbers, found 7/],
    ['{ "results": [{ "test": 4 }] }', /^f\.json, result 1: field 'test'/],
    ['{ "test": "rate", "baseline": [] }', /field 'baseline': expected an object, found \[\]/],
  ])('%s', (text, message) => {
    expect(() => readResults(text, 'f.json')).toThrow(expect.objectContaining({ code: 'ERR_EMP_ARGUMENT' }));
    expect(() => readResults(text, 'f.json')).toThrow(message);
  });

  test('a file that is not there', async () => {
    await expect(readFiles(['/nowhere/f.json'])).rejects.toThrow(/^\/nowhere\/f\.json cannot be read: ENOENT/);
  });
});
