// Serves the counters of all hosts to Prometheus.
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isIPv6 } from 'node:net';
import { InvalidArgumentError } from 'commander';

import { EmpError, type EmpErrorCode } from '../../errors.js';
import { familiesOf, nicLabels } from '../../host/stat/families.js';
import { loadPromClient, registerFamilies, type PromClient } from '../../host/stat/promClient.js';
import type { HostSnapshot } from '../../host/stat/read.js';
import { local } from '../addresses.js';
import { print, printJson } from '../output.js';

const PATH = '/metrics';

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** `9464`, `0.0.0.0:9464`, `[::1]:9464` */
export function endpoint(text: string): Endpoint {
  const { address, port = -1 } = /^\d+$/.test(text) ? { address: '127.0.0.1', port: Number(text) } : local(text);
  if (port >= 0 && port <= 0xffff) return { address, port };
  throw new InvalidArgumentError(
    'Expected a port, 0 to 65535, with or without an address: 9464, 0.0.0.0:9464, [::1]:9464.',
  );
}

export interface ServeOptions {
  perChannel: boolean;
  json: boolean;
  signal: AbortSignal;
}

export async function serveMetrics(read: () => HostSnapshot[], at: Endpoint, options: ServeOptions): Promise<void> {
  const { json, perChannel, signal } = options;
  const client = await loadPromClient();
  const server = createServer((request, response) => {
    if (request.url !== PATH) return answer(response, 404, 'text/plain', `See ${PATH}.\n`);
    metrics(client, read(), perChannel).then(
      ({ type, text }) => answer(response, 200, type, text),
      (error: unknown) => answer(response, 500, 'text/plain', `${String(error)}\n`),
    );
  });
  const { address, port } = await listen(server, at);
  const url = `http://${isIPv6(address) ? `[${address}]` : address}:${port}${PATH}`;
  if (json) printJson({ listening: { address, port, url } });
  else print(`Serving ${url}`);
  if (!signal.aborted) await once(signal, 'abort');
  server.close();
  server.closeAllConnections();
}

/** A registry for each answer: hosts, and what they count, come and go. */
async function metrics(
  client: PromClient,
  hosts: readonly HostSnapshot[],
  perChannel: boolean,
): Promise<{ type: string; text: string }> {
  const register = new client.Registry();
  const families = familiesOf(
    hosts.map((host) => {
      const labels = { pid: String(host.pid), host: String(host.host), ...nicLabels(host) };
      return { labels, host, perChannel };
    }),
  );
  registerFamilies(client, register, families, () => families);
  return { type: register.contentType, text: await register.metrics() };
}

function answer(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { 'content-type': type }).end(text);
}

const CODES: Readonly<Record<string, EmpErrorCode>> = {
  EADDRINUSE: 'ERR_EMP_ADDRESS_IN_USE',
  EADDRNOTAVAIL: 'ERR_EMP_ADDRESS',
  EACCES: 'ERR_EMP_PERMISSION',
};

async function listen(server: Server, { address, port }: Endpoint): Promise<AddressInfo> {
  server.listen(port, address);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const { code = '', message } = cause as NodeJS.ErrnoException;
    throw new EmpError(CODES[code] ?? 'ERR_EMP_TOOL_FAILED', `The endpoint cannot be opened: ${message}.`, {
      remedy: 'Name another address or port with --prometheus.',
      cause,
    });
  }
  return server.address() as AddressInfo;
}
