import { RttEstimator } from '../arq/rtt.js';
import { REORDERING, SendWindow, Slot } from '../arq/sendWindow.js';
import { distance } from '../arq/sequence.js';
import { Flag, FrameType, payloadCheck, word0, word1, writeCheckedHeader, writeHeader } from '../wire/header.js';
import { ChannelCounter } from './counters.js';
import { Time } from './link.js';
import type { Link } from './link.js';
import type { ChannelSettings } from './options.js';
import type { Receiver } from './receiver.js';

/**
 * The frames of a channel that are queued or under way: sends them as the window and the credit allow, keeps them until they are
 * acknowledged, resends what is lost. A resend writes the header anew (newer acknowledgement) and queues the same frame.
 */
export class Flight {
  readonly window: SendWindow;
  readonly rtt: RttEstimator;
  /** Timeouts in a row. */
  attempts = 0;
  /** Frames are left that the NIC had no room for: try again in the next turn. */
  stalled = false;

  readonly #link: Link;
  readonly #times: Float64Array;
  readonly #receiver: Receiver;
  readonly #maxRto: number;
  readonly #headerWord1: number;
  // The newest acknowledgement of this turn.
  #noted = false;
  #notedAck = 0;
  #notedCredit = 0;
  /** Resends that acknowledgements have paid for since the last timeout. */
  #budget = 0;

  constructor(link: Link, receiver: Receiver, settings: ChannelSettings, first: number, credit: number) {
    this.#link = link;
    this.#times = link.times;
    this.#receiver = receiver;
    this.#maxRto = settings.rto.max;
    this.#headerWord1 = word1(link.headerBytes >> 2, 0);
    this.window = new SendWindow(first, settings.window, settings.window * 2, credit);
    this.rtt = new RttEstimator(settings.rto);
  }

  /** Something may be sent now. */
  get hasWork(): boolean {
    return this.window.maySend || this.#budget > 0;
  }

  /** All but the newest frame was acknowledged, and the peer answered since that was sent. */
  get onlyLastWaits(): boolean {
    const { una, end } = this.window;
    return ((una + 1) | 0) === end && this.window.sentAt(una) < this.#times[Time.heard];
  }

  /** Queues a frame whose payload stands behind the room for the header. */
  put(frame: number, flags: number, length: number, type: number): void {
    const { port, checked, headerBytes, counters } = this.#link;
    if (checked) {
      flags |= Flag.payloadCheck;
      port.view.setInt32(frame + 32, payloadCheck(port.view, frame + headerBytes, length), true);
    }
    counters[ChannelCounter.bytesSent] += length;
    this.window.push(frame, word0(FrameType.data, flags, length), this.#headerWord1 | (type << 16));
  }

  sendNext(): boolean {
    const window = this.window;
    const sequence = window.next;
    if (!this.#transmit(sequence, 0)) {
      this.stalled = true;
      return false;
    }
    window.next = (sequence + 1) | 0;
    this.#link.counters[ChannelCounter.framesSent]++;
    return true;
  }

  /** One frame to the NIC, with the newest acknowledgement. False when the NIC has no room. */
  #transmit(sequence: number, flags: number): boolean {
    const link = this.#link;
    const { port } = link;
    const receiver = this.#receiver;
    const window = this.window;
    const { slots } = window;
    const slot = window.slot(sequence);
    const frame = slots[slot + Slot.frame];
    const w0 = slots[slot + Slot.word0] | (flags << 8);
    const w1 = slots[slot + Slot.word1];
    const view = port.view;
    const ack = receiver.acknowledgement;
    const credit = receiver.credit;
    if (link.checked) {
      const check = view.getInt32(frame + 32, true);
      writeCheckedHeader(view, frame, w0, w1, link.remoteId, link.localId, sequence, ack, credit, check);
    } else {
      writeHeader(view, frame, w0, w1, link.remoteId, link.localId, sequence, ack, credit);
    }
    if (!port.send(frame, link.headerBytes + (w0 >>> 16), link.peer)) return false;
    receiver.acknowledged();
    window.sent(sequence, link.clock.now);
    return true;
  }

  /** Frames lost in a timeout, as many as acknowledgements have paid for. */
  resendLost(): void {
    const { window } = this;
    while (this.#budget > 0 && window.lost) {
      // It counts as lost until it was really sent: the ring may have no room now.
      if (!this.#resend(window.firstLost, ChannelCounter.timeoutResends)) break;
      window.takeLost();
      this.#budget--;
    }
  }

  /** @param counter what caused it */
  #resend(sequence: number, counter: number): boolean {
    const frame = this.window.frameOf(sequence);
    // Still in the transmit ring: it has not even left, and its bytes must not change.
    if (this.#link.port.inFlight(frame)) return true;
    if (!this.#transmit(sequence, Flag.resent)) {
      this.stalled = true;
      return false;
    }
    this.#link.counters[counter]++;
    return true;
  }

  /** The timer runs while something is under way, or waits for credit that may have been lost. */
  arm(): void {
    if (this.#times[Time.resend] !== Infinity) return;
    if (this.window.outstanding > 0 || this.window.starved)
      this.#times[Time.resend] = this.#link.clock.now + this.rtt.rto;
  }

  /**
   * Acknowledgement and credit of a frame that came in. They are only noted: the newest counts, and a handler's answer to the frame
   * is on its way before they are worked through, at the end of the turn.
   */
  acknowledged(acknowledgement: number, credit: number): void {
    const { window } = this;
    if (!window.accepts(acknowledgement)) {
      this.#link.counters[ChannelCounter.strayAcks]++;
      return;
    }
    const news = this.#noted ? distance(this.#notedAck, acknowledgement) : 0;
    if (news < 0) return;
    this.#notedCredit = this.#noted && news === 0 ? Math.max(this.#notedCredit, credit) : credit;
    this.#notedAck = acknowledgement;
    this.#noted = true;
  }

  /** Works through what was noted: gives back frames, measures, opens the window. */
  takeAcknowledgement(): void {
    if (!this.#noted) return;
    this.#noted = false;
    const link = this.#link;
    const { port, clock } = link;
    const window = this.window;
    const acknowledgement = this.#notedAck;
    const credit = this.#notedCredit;
    const advanced = (acknowledgement - window.una) | 0;
    if (advanced > 0) {
      // Karn: a frame sent twice does not say which sending was acknowledged; and one that had to wait for such a frame says
      // how long the repair took, not the round trip.
      this.rtt.latest[0] = clock.now - window.sentAt((acknowledgement - 1) | 0);
      let once = true;
      do {
        if (window.sends(window.una) !== 1) once = false;
        port.free(window.frameOf(window.una));
        window.release();
      } while (window.una !== acknowledgement);
      link.pool.freed = true;
      if (once) this.rtt.sampleLatest();
      this.attempts = 0;
      this.#budget += 2 * advanced;
      if (!window.lost) this.#budget = 0;
      window.grant(acknowledgement, credit);
      this.#times[Time.resend] = Infinity;
      this.arm();
    } else if (window.grant(acknowledgement, credit) && window.outstanding === 0) {
      this.attempts = 0;
      this.#times[Time.resend] = Infinity;
    }
  }

  /** The bitmap of a selective acknowledgement; frames that it shows to be lost are resent at once. */
  selectivelyAcknowledged(acknowledgement: number, at: number, bytes: number): void {
    this.takeAcknowledgement();
    const { port } = this.#link;
    const window = this.window;
    let highest = window.una;
    for (let i = 0; i < bytes; i++) {
      const byte = port.view.getUint8(at + i);
      for (let bit = 0; bit < 8; bit++) {
        if ((byte & (1 << bit)) === 0) continue;
        const sequence = (acknowledgement + 1 + i * 8 + bit) | 0;
        window.sack(sequence);
        if (distance(highest, sequence) > 0) highest = sequence;
      }
    }
    this.#repair(highest);
  }

  /** Fast retransmit: holes well below the highest frame that arrived are losses, unless just resent. */
  #repair(highest: number): void {
    const { clock } = this.#link;
    const window = this.window;
    const end = distance(window.next, highest) > 0 ? window.next : highest;
    const recent = clock.now - this.rtt.smoothed - 4 * this.rtt.variance;
    for (let s = window.una; distance(s, end) >= REORDERING; s = (s + 1) | 0) {
      if (window.isSacked(s)) continue;
      if (window.sends(s) > 1 && window.sentAt(s) > recent) continue;
      if (!this.#resend(s, ChannelCounter.fastResends)) return;
      // The repair is under way: the timer gives it a whole timeout.
      if (s === window.una) this.#times[Time.resend] = clock.now + this.rtt.rto;
    }
  }

  /**
   * The timeout has run out. True: something was resent; false: there is nothing to resend, but credit or an acknowledgement is
   * missing, so the channel should probe.
   */
  timedOut(): boolean {
    const window = this.window;
    const { counters, clock } = this.#link;
    this.attempts++;
    if (window.outstanding === 0) {
      // Asking for credit says nothing about the round trip: these waits grow on their own.
      this.#times[Time.resend] = clock.now + Math.min(this.rtt.rto * 2 ** this.attempts, this.#maxRto);
      return false;
    }
    counters[ChannelCounter.timeouts]++;
    this.rtt.backOff();
    this.#times[Time.resend] = clock.now + this.rtt.rto;
    window.declareLost();
    // All that is under way was acknowledged selectively: only the acknowledgement itself is missing.
    if (!window.lost) return false;
    this.#budget = 1;
    this.resendLost();
    return true;
  }

  /** The channel has ended: gives back every frame. */
  close(): void {
    const { port } = this.#link;
    const window = this.window;
    for (; window.una !== window.end; window.una = (window.una + 1) | 0) port.free(window.frameOf(window.una));
    window.next = window.end;
    this.#link.pool.freed = true;
    this.#times[Time.resend] = Infinity;
    this.stalled = this.#noted = false;
  }
}
