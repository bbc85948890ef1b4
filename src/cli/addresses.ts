// Addresses on a command line. What is malformed is an error of usage, said before anything is opened.
import { isIP, isIPv6 } from 'node:net';
import { InvalidArgumentError } from 'commander';

import { ArgumentError, EmpError } from '../errors.js';
import type { DriverName, LinkAddress } from '../nic/contract.js';
import { parseEthernetAddress } from '../nic/ethernet.js';
import { checkPeer, parseUdpAddress, UDP_PORT } from '../nic/udpAddress.js';

/** Where the udp driver opens its socket. */
export interface Local {
  readonly address: string;
  /** Undefined: the command decides. */
  readonly port?: number;
}

/** `198.18.0.1`, `198.18.0.1:34997`, `fd00::1`, `[fd00::1]:34997` */
export function local(text: string): Local {
  try {
    parseUdpAddress(text, anyScope);
  } catch {
    throw new InvalidArgumentError(
      `Expected an IP address, with or without a port: 198.18.0.1, 198.18.0.1:${UDP_PORT}, [fd00::1]:${UDP_PORT}.`,
    );
  }
  if (isIP(text) !== 0) return { address: text };
  const [, host = text, port] = /^(.*?)(?::(\d+))?$/.exec(text) ?? [];
  const address = host.replace(/^\[(.*)\]$/, '$1');
  return port === undefined ? { address } : { address, port: Number(port) };
}

/** The address of an `emp echo`, as the driver takes it. */
export function checkedPeer(driver: DriverName, text: string): LinkAddress {
  try {
    if (driver === 'udp') checkPeer(parseUdpAddress(text, anyScope), text);
    else parseEthernetAddress(text);
    return text;
  } catch (error) {
    if (!(error instanceof EmpError)) throw error;
    const said = error.message.slice(0, -(error.remedy?.length ?? 0)).trimEnd();
    throw new ArgumentError(`--peer: ${said}`, {
      remedy:
        driver === 'udp'
          ? `Give what emp echo prints there, behind "Reached at" if that is shown, IP:PORT; without a port it is ${UDP_PORT}.`
          : 'Give the MAC address that emp echo prints there, such as 02:00:00:00:00:01.',
    });
  }
}

/** All addresses of this machine, of the family of `peer`: the kernel takes the one that leads there. */
export function anyLocal(peer: LinkAddress): string {
  return isIPv6(peer) || peer.startsWith('[') ? '::' : '0.0.0.0';
}

/** Whether the interface of a link-local address is there, the driver says. */
const anyScope = (): number => 1;
