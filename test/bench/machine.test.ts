import { describe, expect, it } from 'vitest';

import { chooseCores, describeMachine, machineLine, parseList } from '../../bench/machine.js';

describe('the machine', () => {
  it('is described', () => {
    const machine = describeMachine();
    expect(machine.cores.length).toBeGreaterThan(0);
    expect(machineLine(machine)).toContain(machine.kernel);
  });

  it.each([
    ['', []],
    ['3', [3]],
    ['0-2,7,10-11', [0, 1, 2, 7, 10, 11]],
  ])('has the cores %j', (text, cores) => {
    expect(parseList(text)).toEqual(cores);
  });

  it('gives the two ends a core each, isolated ones if there are any, and the rest to the others', () => {
    const machine = describeMachine();
    const far = [1000, 1001, 1002, 1003]; // no topology: each counts as a core
    expect(chooseCores({ ...machine, cores: far, isolated: [] })).toEqual({
      client: 1002,
      server: 1003,
      others: [1000, 1001],
    });
    expect(chooseCores({ ...machine, cores: far, isolated: [1000, 1001] })).toEqual({
      client: 1000,
      server: 1001,
      others: [1002, 1003],
    });
    expect(chooseCores({ ...machine, cores: [1000], isolated: [] })).toBeUndefined();
  });
});
