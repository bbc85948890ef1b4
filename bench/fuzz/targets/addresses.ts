import { isIP } from 'node:net';

import { EmpError } from '../../../src/errors.js';
import { formatEthernetAddress, parseEthernetAddress } from '../../../src/nic/ethernet.js';
import { checkPeer, formatUdpAddress, parseUdpAddress, parseUdpHost } from '../../../src/nic/udpAddress.js';
import { parseEndpoint } from '../../../src/wire/datagram.js';
import { attempt, hold, type Target } from '../target.js';

const isBadAddress = (error: unknown): boolean => error instanceof EmpError && error.code === 'ERR_EMP_ADDRESS';
const scopeOf = (name: string): number | undefined => (name === 'eth0' ? 2 : undefined);

/** Addresses as texts: a text is refused, or it is an address with one canonical text. */
export const addresses: Target = {
  name: 'addresses',
  longest: 128,
  run(input) {
    const text = Buffer.from(input).toString('latin1');
    const end = attempt(() => parseUdpAddress(text, scopeOf), isBadAddress);
    if (end !== undefined) {
      const canonical = formatUdpAddress(end);
      hold(formatUdpAddress(parseUdpAddress(canonical, scopeOf)) === canonical, 'a canonical address is another one');
      hold(isIP(end.ip) !== 0 && end.port >= 0 && end.port <= 65535, 'an address of nobody');
      hold(parseEndpoint(canonical)?.port === end.port, 'an address that captures cannot show');
      attempt(() => checkPeer(end, text), isBadAddress);
    }
    attempt(() => parseUdpHost(text, scopeOf), isBadAddress);
    const mac = attempt(() => parseEthernetAddress(text), isBadAddress);
    if (mac !== undefined) hold(formatEthernetAddress(mac, 0) === text.toLowerCase(), 'an Ethernet address changed');
    const endpoint = parseEndpoint(text);
    if (endpoint !== undefined) hold([4, 16].includes(endpoint.ip.length), 'an endpoint without an IP address');
  },
};
