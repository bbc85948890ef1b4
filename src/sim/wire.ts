/** A frame between two ports. Its bytes are nobody's any more: who changes them makes a copy. */
export interface Packet {
  readonly bytes: Uint8Array;
  readonly from: string;
  readonly to: string;
}

/** Where a link ends: an interface of a machine, or a port of a switch. */
export interface Port {
  readonly name: string;
  /** A packet has come out of the link. */
  take(packet: Packet): void;
  /** The link went up or down. */
  carrier(up: boolean): void;
}
