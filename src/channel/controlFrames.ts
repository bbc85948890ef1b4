import { HANDSHAKE_BYTES, REASON_BYTES, writeHandshake, writeReason } from '../wire/control.js';
import {
  CHECKED_HEADER_BYTES,
  Flag,
  FrameType,
  HEADER_BYTES,
  VERSION,
  payloadCheck,
  word0,
  word1,
  writeCheckedHeader,
  writeHeader,
} from '../wire/header.js';
import type { ChannelCore, ControlSink } from './core.js';
import { ChannelCounter, EngineCounter } from './counters.js';
import type { FramePort } from './port.js';

const PLAIN_WORD1 = word1(HEADER_BYTES >> 2, 0);
const CHECKED_WORD1 = word1(CHECKED_HEADER_BYTES >> 2, 0);

/**
 * Composes and sends all frames that are not DATA. They are not kept: one that finds no memory or no room in the ring is lost, as
 * on the wire, and timers repeat it.
 */
export class ControlFrames implements ControlSink {
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
      maxMessage: settings.maxMessage,
    });
    const acknowledgement = type === FrameType.accept ? channel.receiver.acknowledgement : 0;
    const { localId, remoteId, peer } = link;
    this.#send(frame, type, HANDSHAKE_BYTES, peer, remoteId, localId, channel.initialSequence, acknowledgement, 0);
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

  probe(channel: ChannelCore): void {
    const frame = this.#port.alloc(0);
    if (frame >= 0) this.#plain(frame, FrameType.probe, 0, channel);
  }

  #plain(frame: number, type: number, length: number, channel: ChannelCore): boolean {
    const { receiver, sender, link } = channel;
    const { peer, remoteId, localId } = link;
    const { acknowledgement, credit } = receiver;
    return this.#send(frame, type, length, peer, remoteId, localId, sender.window.next, acknowledgement, credit);
  }

  reset(channel: ChannelCore, reason: number): void {
    const { peer, remoteId, localId } = channel.link;
    this.reason(FrameType.reset, peer, remoteId, localId, reason);
    this.#counters[EngineCounter.resetsSent]++;
  }

  refuse(address: string, remoteId: number, reason: number): void {
    const peer = this.#port.peer(address);
    this.reason(FrameType.refuse, peer, remoteId, 0, reason);
    this.#port.forget(peer);
    this.#counters[EngineCounter.refusalsSent]++;
  }

  reason(type: number, peer: number, destination: number, source: number, reason: number): void {
    const frame = this.#port.alloc(0);
    if (frame < 0) return;
    writeReason(this.#port.view, frame + CHECKED_HEADER_BYTES, reason, VERSION);
    this.#send(frame, type, REASON_BYTES, peer, destination, source, 0, 0, 0);
  }

  /**
   * A frame that is not kept: the pool has it back when the kernel is done with it. A payload is always checked: a damaged bitmap
   * would say that frames arrived which did not, a damaged handshake would set up another channel than was asked for.
   */
  #send(
    frame: number,
    type: number,
    length: number,
    peer: number,
    destination: number,
    source: number,
    sequence: number,
    acknowledgement: number,
    credit: number,
  ): boolean {
    const { view } = this.#port;
    let header = HEADER_BYTES;
    if (length === 0) {
      const w0 = word0(type, 0, 0);
      writeHeader(view, frame, w0, PLAIN_WORD1, destination, source, sequence, acknowledgement, credit);
    } else {
      header = CHECKED_HEADER_BYTES;
      const w0 = word0(type, Flag.payloadCheck, length);
      const check = payloadCheck(view, frame + header, length);
      writeCheckedHeader(view, frame, w0, CHECKED_WORD1, destination, source, sequence, acknowledgement, credit, check);
    }
    const sent = this.#port.send(frame, header + length, peer);
    this.#port.free(frame);
    return sent;
  }
}
