import type { Registry } from 'prom-client';

import { CHANNEL_COUNTERS, ChannelCounter, named } from '../../channel/counters.js';
import { checkBoolean, checkOptions } from '../arguments.js';
import type { Channel } from '../channel.js';
import type { Host } from '../host.js';
import { familiesOf, nicLabels, type Family, type Subject } from './families.js';
import { nicFacts } from './layout.js';
import { loadPromClient, registerFamilies } from './promClient.js';
import type { ChannelSnapshot } from './read.js';

export interface MetricsOptions {
  /** Where to register. Default: prom-client's own `register`. */
  register?: Registry;
  /** Series of each channel, too: as many as there are channels, with labels that come and go. Default false. */
  perChannel?: boolean;
}

/** Hosts whose counters a registry has, and the metrics that were made for them. */
interface Exported {
  readonly hosts: Map<Host, boolean>;
  readonly names: Set<string>;
}
const exported = new WeakMap<Registry, Exported>();

/**
 * Registers the counters of a host with prom-client, which collects them when it is asked for its metrics, until the host is closed. Several
 * hosts may share a registry. Loads prom-client.
 */
export async function collectMetrics(host: Host, options: MetricsOptions = {}): Promise<void> {
  checkOptions('collectMetrics()', options, { register: true, perChannel: true });
  checkBoolean('perChannel', options.perChannel);
  const client = await loadPromClient();
  const { register = client.register, perChannel = false } = options;
  const { hosts, names } = exported.get(register) ?? { hosts: new Map<Host, boolean>(), names: new Set<string>() };
  exported.set(register, { hosts, names });
  hosts.set(host, perChannel);
  void host.closed.then(() => hosts.delete(host));
  const fresh = templateOf(host, perChannel).filter(({ name }) => !names.has(name));
  registerFamilies(client, register, fresh, () => familiesOf([...hosts].map(([one, each]) => subjectOf(one, each))));
  for (const { name } of fresh) names.add(name);
}

function subjectOf(host: Host, perChannel: boolean): Subject {
  const channels = perChannel ? host.channels.map(snapshotOf) : [];
  const labels = nicLabels({ nic: nicFacts(host.info) });
  return { labels, host: { counters: host.counters(), channels }, perChannel };
}

function snapshotOf(channel: Channel): ChannelSnapshot {
  return { id: channel.id, address: channel.address, port: channel.port, counters: channel.counters() };
}

/** All families there can be, with all their labels: those of a channel, even if there is none yet. */
function templateOf(host: Host, perChannel: boolean): Family[] {
  const nobody: ChannelSnapshot = {
    id: 0,
    address: '',
    port: 0,
    counters: named(ChannelCounter, new Float64Array(CHANNEL_COUNTERS)),
  };
  const subject = subjectOf(host, false);
  return familiesOf([{ ...subject, perChannel, host: { ...subject.host, channels: [nobody] } }]);
}
