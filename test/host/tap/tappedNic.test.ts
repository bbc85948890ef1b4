import { expect, it } from 'vitest';

import { TappedNic } from '../../../src/host/tap/tappedNic.js';
import { NIC_COUNTERS, NicCounter } from '../../../src/nic/contract.js';
import { openNic } from '../../../src/nic/open.js';

it('counters that a driver asks the kernel for at each look are asked for at each look', async () => {
  const nic = openNic({ driver: 'memory', name: 'tapped-counters' });
  let lost = 0;
  // As the xdp driver does.
  Object.defineProperty(nic, 'counters', {
    get: () => {
      const counters = new Float64Array(NIC_COUNTERS);
      counters[NicCounter.rxDropped] = lost;
      return counters;
    },
  });
  const tapped = await TappedNic.wrap(nic);
  try {
    expect(tapped.counters[NicCounter.rxDropped]).toBe(0);
    lost = 3;
    expect(tapped.counters[NicCounter.rxDropped]).toBe(3);
  } finally {
    tapped.close();
  }
});
