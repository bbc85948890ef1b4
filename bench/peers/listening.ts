// When a server is ready, told by its namespace's table of sockets: what tools print on that occasion differs, and some print nothing.
import { readFileSync } from 'node:fs';

const STATE = { tcp: '0A', udp: '07' }; // LISTEN; unconnected

/** Whether a table (/proc/PID/net/tcp, for example) has such a socket: `sl: LOCAL:PORT REMOTE:PORT STATE ...`, in hexadecimal. */
export function hasSocket(table: string, kind: 'tcp' | 'udp', port: number): boolean {
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return table.split('\n').some((line) => {
    const [, local, , state] = line.trim().split(/\s+/);
    return local?.endsWith(end) === true && state === STATE[kind];
  });
}

/** In the namespace of the process. */
export function isListening(pid: number, kind: 'tcp' | 'udp', port: number): boolean {
  return [kind, `${kind}6`].some((name) => hasSocket(tableOf(pid, name), kind, port));
}

function tableOf(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/net/${name}`, 'utf8');
  } catch {
    return ''; // no IPv6, or the process is gone
  }
}
