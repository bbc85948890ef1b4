import type { Channel, Host } from '../../../src/index.js';
import { World, type Machine, type SimNic } from '../../../src/sim/index.js';
import type { Reader } from '../reader.js';

/** The honest and the fuzzer each have a service of their own. */
export const HONEST = 1;
export const OPEN_TO_ALL = 2;
/** Nobody's: an address that no machine can have, as a forged frame may name. */
const NOWHERE = 'nowhere/0';
export const WINDOW = 16;
const FRAMES = 256;
/** Too few for all that channels would like to send at once, or to hold. */
const FEW_FRAMES = 64;
const MTU = 512;
/** Of messages, bytes. */
const LONGEST = 2048;
/** A message that begins so makes its handler throw. */
const SCANDAL = 0xee;

/** What an input wishes for, a bit each. */
const Wish = {
  payloadCheck: 1,
  fragments: 2,
  reads: 4,
  atLeisure: 8,
  harshNic: 16,
  fewFrames: 32,
  givesUp: 64,
} as const;

/** Three machines on a switch: the victim, somebody honest who talks with it, and the fuzzer, who is but a plug. */
export class Stage {
  readonly world = new World({ seed: 1 });
  readonly victim: Host;
  readonly honest: Host;
  /** What the victim has accepted of everybody. */
  readonly accepted: Channel[] = [];
  /** Frames of the link that the fuzzer has sent to the victim. */
  readonly offered: Uint8Array[] = [];
  readonly nics: readonly SimNic[];
  readonly senders: readonly string[];
  /** Frames that the NIC of the victim took, those of the fuzzer and of the honest. */
  arrived = 0;
  failure: Error | undefined = undefined;

  /** @param hear told of what the victim sends to the fuzzer */
  constructor(input: Reader, hear: (bytes: Uint8Array) => void) {
    const { world } = this;
    const hub = world.switch('hub');
    const [a, b, c] = ['victim', 'honest', 'fuzzer'].map((name) => world.machine(name, { clockOffset: 0 }));
    world.link(a, hub);
    world.link(b, hub);
    world.link(c, hub).filter = ({ bytes, to }) => {
      if (to === c.interfaces[0].name) hear(bytes);
      return true;
    };
    const wish = input.byte();
    this.victim = open(a, wish);
    this.honest = open(b, 0);
    this.nics = [a, b].map((machine) => machine.interfaces[0].nic!);
    this.nics[0].onArrival = () => this.arrived++;
    this.senders = [...[c, c, c, b, a].map((machine) => machine.interfaces[0].name), NOWHERE];
    this.victim.onClose = ({ error }) => (this.failure = error);
    this.victim.listen(HONEST, { onChannel: (channel) => echo(channel) });
    this.victim.listen(OPEN_TO_ALL, {
      onChannel: (channel) => this.#take(channel, wish),
      ...((wish & Wish.givesUp) !== 0 ? { onResend: ({ attempts }: { attempts: number }) => attempts < 3 } : {}),
    });
  }

  #take(channel: Channel, wish: number): void {
    this.accepted.push(channel);
    channel.onClose = () => undefined; // else a handler that threw would be told of as a warning
    const look = (bytes: Uint8Array, at: number, length: number): void => this.#look(bytes.subarray(at, at + length));
    if ((wish & Wish.fragments) !== 0) channel.onFragment = look;
    if ((wish & Wish.reads) === 0) echo(channel, look);
    else void read(channel, (wish & Wish.atLeisure) !== 0 ? this.world : undefined);
  }

  /** What is delivered where it lies has come in one frame: nothing beyond the frame was taken for a message. */
  #look(bytes: Uint8Array): void {
    if (bytes.length > LONGEST) this.failure ??= new Error(`a message of ${bytes.length} bytes, which is too long`);
    const isInPlace = bytes.buffer === this.victim.nic.bytes.buffer;
    if (!isInPlace || this.offered.some((frame) => Buffer.from(frame).includes(Buffer.from(bytes)))) return;
    this.failure ??= new Error(`a message of ${bytes.length} bytes that were never sent`);
  }
}

function ignore(): void {}

function open(machine: Machine, wish: number): Host {
  const frames = (wish & Wish.fewFrames) === 0 ? FRAMES : FEW_FRAMES;
  const trouble = (wish & Wish.harshNic) === 0 ? 0 : 0.2;
  return machine.open({
    nic: {
      mtu: MTU,
      txFrames: frames,
      rxFrames: frames,
      ring: 64,
      temper: { busy: trouble, holdFails: trouble, holdCopies: trouble, inFlight: trouble * 1000 },
    },
    channel: {
      window: WINDOW,
      payloadCheck: (wish & Wish.payloadCheck) !== 0,
      maxMessage: LONGEST,
      peerTimeout: 20_000,
    },
  });
}

/** @param look sees each message in place */
function echo(channel: Channel, look: (bytes: Uint8Array, at: number, length: number) => void = ignore): void {
  channel.onMessage = (bytes, at, length, type) => {
    look(bytes, at, length);
    if (length > 0 && bytes[at] === SCANDAL && channel.port === OPEN_TO_ALL) throw new Error('a handler throws');
    const copy = bytes.slice(at, at + length);
    // The honest are owed an answer, also while others have all frames.
    if (channel.port === HONEST) channel.write(copy, type).catch(ignore);
    else if (channel.writable) channel.send(copy, type);
  };
}

/** Reads at leisure. */
async function read(channel: Channel, world: World | undefined): Promise<void> {
  try {
    for await (const _ of channel) if (world !== undefined) await world.sleep(20);
  } catch {
    // it broke: whoever plays the other end may do that
  }
}
