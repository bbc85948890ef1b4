import { SocketAddress, isIPv4, isIPv6 } from 'node:net';

import { NicError } from '../errors.js';
import type { LinkAddress } from './contract.js';

/** An end of UDP. `scope`: the index of the interface that a link-local IPv6 address belongs to, 0 for other addresses. */
export interface UdpEnd {
  readonly ip: string;
  readonly port: number;
  readonly scope: number;
}

/** EMP's EtherType, as a port. */
export const UDP_PORT = 0x88b5;

/** Turns the name of an interface into its index; undefined if there is none. */
export type ScopeOf = (interfaceName: string) => number | undefined;

/**
 * `198.18.0.1:34997`, `[fd00::1]:34997`, `[fe80::1%eth0]:34997`; without a port EMP's own, and then an IPv6 address may
 * stand without brackets. Throws ERR_EMP_ADDRESS.
 */
export function parseUdpAddress(text: LinkAddress, scopeOf: ScopeOf): UdpEnd {
  const [host, port] = splitPort(text);
  const number = port === undefined ? UDP_PORT : Number(port);
  if (number > 65535) throw badAddress(text, `has no port: ${port} is above 65535`);
  return { ...parseHost(host, text, scopeOf), port: number };
}

/** The address of a host alone, as the option `address` takes it. Throws ERR_EMP_ADDRESS. */
export function parseUdpHost(text: string, scopeOf: ScopeOf): Omit<UdpEnd, 'port'> {
  return parseHost(text, text, scopeOf);
}

/** The canonical text: RFC 5952 for IPv6. `ip` is canonical itself. */
export function formatUdpAddress({ ip, port, scope }: UdpEnd): LinkAddress {
  if (!ip.includes(':')) return `${ip}:${port}`;
  return scope === 0 ? `[${ip}]:${port}` : `[${ip}%${scope}]:${port}`;
}

export function isAnyAddress(ip: string): boolean {
  return ip === '0.0.0.0' || ip === '::';
}

/** A frame goes to one machine: not to all, not to a group, not to nobody. */
export function checkPeer(end: UdpEnd, text: LinkAddress): void {
  if (end.port === 0) throw badAddress(text, 'has port 0, where nobody can listen');
  if (isAnyAddress(end.ip)) {
    const remedy = `Name one of that machine's addresses, with port ${end.port}; if it is this machine, its own (127.0.0.1, ::1).`;
    throw badAddress(text, 'is the address of no machine', remedy);
  }
  const first = Number.parseInt(end.ip, 10);
  const group = end.ip.includes(':') ? end.ip.startsWith('ff') : first >= 224;
  if (group) throw badAddress(text, 'is a group or broadcast address, not that of one machine');
}

function splitPort(text: unknown): [host: string, port: string | undefined] {
  if (typeof text !== 'string') throw badAddress(text, 'is not an address');
  if (isIPv6(text)) return [text, undefined];
  const parts = /^(?:\[([^[\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const host = parts?.[1] ?? parts?.[2];
  // Brackets are for IPv6, and only for IPv6.
  if (parts === null || host === undefined || (parts[1] !== undefined) !== host.includes(':')) {
    throw badAddress(text, 'is not an IP address with a port');
  }
  return [host, parts[3]];
}

function parseHost(host: unknown, text: unknown, scopeOf: ScopeOf): Omit<UdpEnd, 'port'> {
  if (typeof host !== 'string') throw badAddress(text, 'is not an IP address');
  if (isIPv4(host)) return { ip: host, scope: 0 };
  const [address, zone] = host.split('%', 2) as [string, string | undefined];
  if (!isIPv6(address)) throw badAddress(text, 'is not an IP address');
  const ip = new SocketAddress({ address, family: 'ipv6' }).address;
  if (ip.startsWith('::ffff:') && ip.includes('.')) throw badAddress(text, 'is an IPv4 address in disguise');
  return { ip, scope: scopeIndex(ip, zone, text, scopeOf) };
}

function scopeIndex(ip: string, zone: string | undefined, text: unknown, scopeOf: ScopeOf): number {
  const linkLocal = /^fe[89ab]/.test(ip);
  if (!linkLocal && zone === undefined) return 0;
  if (!linkLocal) throw badAddress(text, 'has a scope, but is not link-local');
  if (zone === undefined) throw badAddress(text, 'is link-local, but names no interface (as in fe80::1%eth0)');
  const index = /^[1-9]\d*$/.test(zone) ? Number(zone) : scopeOf(zone);
  if (index === undefined) throw badAddress(text, `names an interface that is not there: '${zone}'`);
  return index;
}

const FORM = 'Use the form 198.18.0.1:34997 or [fd00::1]:34997.';

function badAddress(text: unknown, what: string, remedy = FORM): NicError {
  return new NicError('ERR_EMP_ADDRESS', `'${String(text)}' ${what}.`, { remedy });
}
