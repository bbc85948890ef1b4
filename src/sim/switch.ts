import type { Events } from './events.js';
import type { Link } from './link.js';
import type { Packet, Port } from './wire.js';

/** A switch that learns where addresses are, and sends to all where it does not know. */
export class Switch {
  readonly #events: Events;
  readonly #ports: SwitchPort[] = [];
  readonly #known = new Map<string, SwitchPort>();

  constructor(
    events: Events,
    readonly name: string,
  ) {
    this.#events = events;
  }

  /** A port more. @internal */
  port(): SwitchPort {
    const port = new SwitchPort(`${this.name}/${this.#ports.length}`, (packet) => this.#forward(packet, port));
    this.#ports.push(port);
    return port;
  }

  #forward(packet: Packet, from: SwitchPort): void {
    this.#known.set(packet.from, from);
    const known = this.#known.get(packet.to);
    if (known !== undefined && known.isUp) {
      if (known !== from) known.send(packet, this.#events.now);
      return;
    }
    for (const port of this.#ports) if (port !== from && port.isUp) port.send(packet, this.#events.now);
  }
}

export class SwitchPort implements Port {
  link: Link | undefined = undefined;
  isUp = true;

  constructor(
    readonly name: string,
    readonly take: (packet: Packet) => void,
  ) {}

  carrier(up: boolean): void {
    this.isUp = up;
  }

  send(packet: Packet, time: number): void {
    this.link?.carry(this, packet, time);
  }
}
