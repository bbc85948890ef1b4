import type { Acceptor } from '../../../src/channel/handshakes.js';
import { resolveChannelOptions } from '../../../src/channel/options.js';
import type { ChannelOptions } from '../../../src/channel/options.js';
import { CHECKED_HEADER_BYTES } from '../../../src/wire/header.js';
import { Chance } from '../../../src/fault/chance.js';
import { Network } from './network.js';
import { SimHost } from './simHost.js';
import type { SimHostOptions } from './simHost.js';
import { MTU } from '../../../src/sim/simNic.js';
import { PLAIN, Talker } from './talker.js';
import type { Plan } from './talker.js';

export const MS = 1000;
export const SECOND = 1_000_000;
/** Length of a message that fills a frame, with a payload check or without: no other one shares it. */
export const FRAMEFUL = MTU - CHECKED_HEADER_BYTES;

/** Both sides of one connection. */
export interface Session {
  client: Talker;
  server: Talker;
  /** How often the listening application was asked whether to take a connection, and was shown one. */
  asked: number;
  accepted: number;
}

/** A network with hosts and sessions on it. */
export class World {
  readonly chance: Chance;
  readonly network: Network;
  readonly hosts: SimHost[] = [];
  readonly sessions: Session[] = [];

  constructor(seed: number) {
    this.chance = new Chance(seed);
    this.network = new Network(this.chance.fork());
  }

  host(address: string, options: SimHostOptions = {}): SimHost {
    const host = new SimHost(this.network, address, this.chance.fork(), options);
    this.hosts.push(host);
    return host;
  }

  /** `from` connects to `to`, each side with a plan. The port is the number of the session. */
  session(
    from: SimHost,
    to: SimHost,
    client: Partial<Plan>,
    server: Partial<Plan>,
    options: ChannelOptions = {},
    serverOptions: ChannelOptions = options,
  ): Session {
    const port = this.sessions.length;
    const session: Session = {
      client: new Talker(this.network, from, port * 2, { ...PLAIN, ...client }, this.chance.fork()),
      server: new Talker(this.network, to, port * 2 + 1, { ...PLAIN, ...server }, this.chance.fork()),
      asked: 0,
      accepted: 0,
    };
    session.client.partner = session.server;
    session.server.partner = session.client;
    this.sessions.push(session);
    to.enter(() => to.engine.handshakes.listen(port, acceptorOf(session, serverOptions)));
    this.connect(session, to.address, port, options);
    return session;
  }

  connect(session: Session, address: string, port: number, options: ChannelOptions = {}): void {
    const { client } = session;
    const { engine } = client.host;
    client.host.enter(() => {
      client.core = engine.create(address, port, resolveChannelOptions(options));
      client.core.events = client;
      client.core.connect();
    });
  }

  /** Runs to the very end, and returns what is wrong there. */
  finish(): string[] {
    this.network.run();
    const found = this.sessions.flatMap(({ client, server, accepted }) => [
      ...client.verdict(),
      ...server.verdict(),
      ...(accepted > 1 ? [`stream ${server.stream} was accepted ${accepted} times`] : []),
    ]);
    return [...found, ...this.hosts.flatMap((host) => host.leftovers())];
  }
}

function acceptorOf(session: Session, options: ChannelOptions): Acceptor {
  return {
    settings: resolveChannelOptions(options),
    accept: () => ++session.asked > 0,
    accepted: (core) => {
      session.accepted++;
      if (session.accepted > 1) return core.fail('aborted');
      session.server.core = core;
      core.events = session.server;
    },
  };
}

/** Two machines on a network. */
export function twoHosts(seed: number): { world: World; a: SimHost; b: SimHost } {
  const world = new World(seed);
  return { world, a: world.host('a'), b: world.host('b') };
}

/** `n` messages of the same length. */
export function messages(n: number, length: number): number[] {
  return new Array<number>(n).fill(length);
}
