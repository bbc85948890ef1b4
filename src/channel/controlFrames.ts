import { EmpError } from '../errors.js';
import { HANDSHAKE_BYTES, REASON_BYTES, writeHandshake, writeReason } from '../wire/control.js';
import {
  CHECKED_HEADER_BYTES,
  Flag,
  FrameType,
  HEADER_BYTES,
  VERSION,
  word0,
  word1,
  writeHeader,
  writePayloadCheck,
} from '../wire/header.js';
import type { ChannelCore } from './core.js';
import { ChannelCounter, EngineCounter } from './counters.js';
import type { ControlSink } from './owner.js';
import type { FramePort } from './port.js';

/**
 * Composes and sends all frames that are not DATA. They are not kept: one that finds no memory or no room in the ring is lost, as
 * on the wire, and timers repeat it.
 */
export class ControlFrames implements ControlSink<ChannelCore> {
  readonly #port: FramePort;
  readonly #counters: Float64Array;

  /** @param counters the engine's */
  constructor(port: FramePort, counters: Float64Array) {
    this.#port = port;
    this.#counters = counters;
  }

  connect(channel: ChannelCore): void {
    this.#handshake(FrameType.connect, channel);
  }

  accept(channel: ChannelCore): void {
    this.#handshake(FrameType.accept, channel);
  }

  #handshake(type: number, channel: ChannelCore): void {
    const { settings, link } = channel;
    const frame = this.#port.alloc(0);
    if (frame < 0) return;
    writeHandshake(this.#port.view, frame + CHECKED_HEADER_BYTES, {
      port: channel.port,
      mtu: this.#port.info.mtu,
      window: settings.window,
      version: VERSION,
      payloadCheck: settings.payloadCheck || link.checked,
      coalesces: true,
      maxMessage: settings.maxMessage,
    });
    const acknowledgement = type === FrameType.accept ? channel.receiver.acknowledgement : 0;
    const { localId, remoteId, peer } = link;
    const first = channel.initialSequence;
    const bytes = this.#compose(frame, type, HANDSHAKE_BYTES, remoteId, localId, first, acknowledgement, 0);
    this.#port.send(frame, bytes, peer);
    this.#port.free(frame); // not kept: the pool has it back when the kernel is done with it
  }

  ack(channel: ChannelCore): void {
    const { receiver, link } = channel;
    const frame = this.#port.alloc(0);
    if (frame < 0) return;
    let bitmap = 0;
    if (receiver.window.hasHoles) {
      bitmap = receiver.writeBitmap(frame + CHECKED_HEADER_BYTES, this.#port.info.mtu - CHECKED_HEADER_BYTES);
    }
    if (!this.#plain(frame, FrameType.ack, bitmap, channel)) return;
    receiver.acknowledged();
    receiver.sackPending = false;
    link.counters[ChannelCounter.acksSent]++;
    if (bitmap > 0) link.counters[ChannelCounter.sacksSent]++;
  }

  probe(channel: ChannelCore): boolean {
    const frame = this.#port.alloc(0);
    if (frame < 0 || !this.#plain(frame, FrameType.probe, 0, channel)) return false;
    channel.link.counters[ChannelCounter.probesSent]++;
    return true;
  }

  #plain(frame: number, type: number, length: number, { receiver, sender, link }: ChannelCore): boolean {
    const { remoteId, localId } = link;
    const { acknowledgement, credit } = receiver;
    const { next } = sender.window;
    const bytes = this.#compose(frame, type, length, remoteId, localId, next, acknowledgement, credit);
    const sent = link.send(frame, bytes);
    this.#port.free(frame);
    return sent;
  }

  reset(channel: ChannelCore, reason: number): void {
    const { link } = channel;
    const frame = this.#port.alloc(0);
    if (frame >= 0) {
      // The way of the data that it follows.
      link.send(frame, this.#composeReason(frame, FrameType.reset, link.remoteId, link.localId, reason));
      this.#port.free(frame);
    }
    this.#counters[EngineCounter.resetsSent]++;
  }

  /** @param sequence of the CONNECT, which it names: who guesses an id alone cannot refuse in another's place */
  refuse(address: string, remoteId: number, sequence: number, reason: number): void {
    if (!this.#answer(address, FrameType.refuse, remoteId, 0, reason, sequence)) return;
    this.#counters[EngineCounter.refusalsSent]++;
  }

  /** A frame named a channel that is none. */
  unknown(address: string, remoteId: number, localId: number, reason: number): void {
    if (!this.#answer(address, FrameType.reset, remoteId, localId, reason, 0)) return;
    this.#counters[EngineCounter.resetsSent]++;
  }

  /** False: a forged frame said that it came from where no machine can be, and there is nobody to answer. */
  #answer(
    address: string,
    type: number,
    destination: number,
    source: number,
    reason: number,
    acknowledgement: number,
  ): boolean {
    const peer = this.#peerAt(address);
    if (peer === undefined) return false;
    const frame = this.#port.alloc(0);
    if (frame >= 0) {
      this.#port.send(frame, this.#composeReason(frame, type, destination, source, reason, acknowledgement), peer);
      this.#port.free(frame);
    }
    this.#port.forget(peer);
    return true;
  }

  #peerAt(address: string): number | undefined {
    try {
      return this.#port.peer(address);
    } catch (error) {
      if (error instanceof EmpError && error.code === 'ERR_EMP_ADDRESS') return undefined;
      throw error;
    }
  }

  #composeReason(
    frame: number,
    type: number,
    destination: number,
    source: number,
    reason: number,
    acknowledgement = 0,
  ): number {
    writeReason(this.#port.view, frame + CHECKED_HEADER_BYTES, reason, VERSION);
    return this.#compose(frame, type, REASON_BYTES, destination, source, 0, acknowledgement, 0);
  }

  /**
   * The header around a payload that is there; returns the bytes of both. A payload is always checked: a damaged bitmap would say that
   * frames arrived which did not, a damaged handshake would set up another channel than was asked for.
   */
  #compose(
    frame: number,
    type: number,
    length: number,
    destination: number,
    source: number,
    sequence: number,
    acknowledgement: number,
    credit: number,
  ): number {
    const { view } = this.#port;
    const isChecked = length > 0;
    const header = isChecked ? CHECKED_HEADER_BYTES : HEADER_BYTES;
    if (isChecked) writePayloadCheck(view, frame, length);
    const w0 = word0(type, isChecked ? Flag.payloadCheck : 0, length);
    writeHeader(view, frame, w0, word1(header >> 2, 0), destination, source, sequence, acknowledgement, credit);
    return header + length;
  }
}
