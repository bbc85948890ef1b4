import { FixedWindow } from '../arq/congestion.js';
import type { Congestion } from '../arq/congestion.js';
import { RttEstimator } from '../arq/rtt.js';
import { ANY_PATH, SendWindow, Slot } from '../arq/sendWindow.js';
import { distance } from '../arq/sequence.js';
import { Swift } from '../arq/swift.js';
import { MAX_BITMAP } from '../wire/control.js';
import { Flag, FrameType, word0, word1, word6, writeHeader, writePayloadCheck } from '../wire/header.js';
import { ChannelCounter, stallOf } from './counters.js';
import { Time } from './link.js';
import type { Link } from './link.js';
import type { ChannelSettings } from './options.js';
import { More } from './more.js';
import { News } from './news.js';
import { Patience } from './patience.js';
import type { Receiver } from './receiver.js';
import { Repairs } from './repairs.js';
import { Trails } from './trails.js';

/**
 * The frames of a channel that are queued or under way: sends them as the window and the credit allow, keeps them until they are
 * acknowledged, resends what is lost. A resend writes the header anew (newer acknowledgement) and queues the same frame.
 */
export class Flight {
  readonly window: SendWindow;
  readonly rtt: RttEstimator;
  readonly congestion: Congestion;
  /** Timeouts in a row. */
  attempts = 0;
  /** Frames are left that the NIC had no room for: try again in the next turn. */
  stalled = false;
  readonly #more: More;
  /** Where frames go by several paths. */
  readonly #trails: Trails | undefined;
  readonly #link: Link;
  readonly #times: Float64Array;
  readonly #receiver: Receiver;
  readonly #maxRto: number;
  readonly #headerWord1: number;
  readonly #news = new News();
  /** Resends that acknowledgements have paid for since the last timeout. */
  #budget = 0;
  readonly #patience: Patience;
  readonly #repairs: Repairs;

  constructor(link: Link, receiver: Receiver, settings: ChannelSettings, first: number, credit: number) {
    this.#link = link;
    this.#times = link.times;
    this.#receiver = receiver;
    this.#maxRto = settings.rto.max;
    this.#headerWord1 = word1(link.headerBytes >> 2, 0);
    this.window = new SendWindow(first, settings.window, settings.window * 2, credit);
    this.#more = new More(this.window);
    const spread = link.paths?.spread;
    this.#trails = spread && new Trails(this.window, spread, link.peer, link.now);
    this.rtt = new RttEstimator(settings.rto);
    this.#patience = new Patience(this.rtt);
    this.#repairs = new Repairs(this.window, this.rtt, this.#trails);
    this.congestion =
      settings.congestion === 'fixed'
        ? new FixedWindow(settings.window)
        : new Swift(settings.window, settings.targetDelay, { now: link.now, rtt: this.rtt.latest });
    this.window.allowed = this.congestion.window;
  }

  /** Something may be sent now. */
  get hasWork(): boolean {
    const { window } = this;
    // Nothing new is allowed while repairs wait: that is in the window, which is looked at anyway.
    return window.maySend || this.#budget > 0 || (window.allowed === 0 && this.#repairs.mayGo);
  }

  /** All but the newest frame was acknowledged, and the peer answered since that was sent. */
  get onlyLastWaits(): boolean {
    const { una, end } = this.window;
    return ((una + 1) | 0) === end && this.window.sentAt(una) < this.#times[Time.heard];
  }

  /** Queues a frame whose payload stands behind the room for the header. */
  put(frame: number, flags: number, length: number, type: number, firstLength: number): void {
    const { port, checked } = this.#link;
    if (checked) {
      flags |= Flag.payloadCheck;
      writePayloadCheck(port.view, frame, length);
    }
    this.window.push(frame, word0(FrameType.data, flags, length), this.#headerWord1 | (type << 16), word6(firstLength));
  }

  /** @param follows another frame will be queued in this turn */
  sendNext(follows: boolean): boolean {
    const window = this.window;
    const sequence = window.next;
    const more = this.#more.mayWait(follows);
    if (!this.#transmit(sequence, more ? Flag.more : 0)) {
      this.stalled = true;
      return false;
    }
    this.#more.said(more);
    window.next = (sequence + 1) | 0;
    this.#link.counters[ChannelCounter.framesSent]++;
    return true;
  }

  /** Frames said that more follow, and nothing can follow now: an acknowledgement has to be asked for after all. */
  get hasBrokenPromise(): boolean {
    return this.#more.count > 0 && !this.stalled;
  }

  /** It was. */
  asked(): void {
    this.#more.said(false);
  }

  /** Frames begin to wait, for credit or for an acknowledgement. */
  countStall(): void {
    this.#link.counters[stallOf(this.window)]++;
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
    const w6 = slots[slot + Slot.word6] | receiver.credit;
    writeHeader(port.view, frame, w0, w1, link.remoteId, link.localId, sequence, receiver.acknowledgement, w6);
    if (!link.send(frame, link.headerBytes + (w0 >>> 16))) return false;
    receiver.acknowledged();
    this.#trails?.went(sequence);
    window.sent(sequence, link.now);
    return true;
  }

  /** Its path has failed: all that is under way and not known to have arrived goes again, by another one. */
  reroute(path: number): void {
    const { window, rtt } = this;
    if (window.outstanding === 0) return;
    window.declareLost(this.#link.now[0], this.#trails === undefined ? ANY_PATH : 1 << path);
    this.#budget = window.outstanding;
    this.attempts = 0;
    rtt.confirm();
    this.#patience.measured();
    this.#repairs.pending = false;
    this.#allow();
    this.#times[Time.resend] = Infinity;
    this.arm();
  }

  /** What the ring had no room for before, and frames lost in a timeout, as many as acknowledgements have paid for. */
  resendLost(): void {
    const { window } = this;
    if (this.#repairs.pending) this.#repair(this.#repairs.end);
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
    // Still in the transmit ring: it has not even left, and its bytes must not change. Or a copy of it has not.
    if (this.#link.inFlight(frame)) return true;
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
    const { window, rtt } = this;
    if (window.outstanding > 0) {
      this.#patience.arm(this.#times, this.#link.now);
    } else if (window.starved) this.#times[Time.resend] = this.#link.now[0] + rtt.rto;
  }

  /**
   * The tail loss probe (RFC 8985): no later frame shows that the last ones were lost, so the last of which nothing is known is sent again before the
   * timeout is up; its acknowledgement tells what else is missing. True: that was due, and done.
   */
  probeTail(): boolean {
    const { window } = this;
    this.#link.paths?.suspect(this.#link.peer);
    if (!this.#patience.mayProbe || this.attempts > 0 || window.outstanding === 0) return false;
    let last = (window.next - 1) | 0;
    while (last !== window.una && window.isSacked(last)) last = (last - 1) | 0;
    // A receiver without memory can keep none but the first: if that is lost for the second time, word of the last one would never come.
    const { una } = window;
    if (last !== una && window.sends(una) > 1) this.#resend(una, ChannelCounter.tailProbes);
    if (this.#resend(last, ChannelCounter.tailProbes)) this.#patience.probed();
    this.#patience.arm(this.#times, this.#link.now);
    return true;
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
    this.#news.note(acknowledgement, credit);
  }

  /** Works through what was noted: gives back frames, measures, opens the window. */
  takeAcknowledgement(): void {
    const news = this.#news;
    if (!news.waits) return;
    news.waits = false;
    const link = this.#link;
    const window = this.window;
    const { acknowledgement, credit } = news;
    const advanced = (acknowledgement - window.una) | 0;
    if (advanced > 0) {
      this.#releaseTo(acknowledgement);
      link.pool.freed = true;
      if (link.paths !== undefined) link.progressed(window.sentAt((acknowledgement - 1) | 0));
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

  /** In the middle of a turn: the time has to be read, or a round trip would look shorter than it was. */
  takeAcknowledgementNow(): void {
    this.#link.readClock();
    this.takeAcknowledgement();
  }

  /** Gives back the frames before `end`, one at least: they have arrived. */
  #releaseTo(end: number): void {
    const { port } = this.#link;
    const { window } = this;
    const limited = window.isLimited;
    const told = window.sacked;
    let count = (end - window.una) | 0;
    let once = true;
    this.#repairs.arrived((end - 1) | 0);
    do {
      const { una } = window;
      if (window.sends(una) !== 1) {
        once = false;
        this.#repairs.arrived(una);
      }
      this.#trails?.arrived(una);
      port.free(window.frameOf(una));
      window.release();
    } while (window.una !== end);
    // Of those that were known to have arrived all was said before.
    count -= told - window.sacked;
    // The receiver comes on: two for each, as after a timeout.
    this.#repairs.pay(2 * count);
    // Karn: a frame sent twice does not say which sending was acknowledged; and one that had to wait for such a frame says
    // how long the repair took, not the round trip.
    if (!once) this.#patience.confirm(this.#repairs.age(this.#link.now[0]));
    else if (count > 0) this.#arrived(count, (end - 1) | 0, limited);
  }

  /** What is lost goes first: new frames would take the room of the repairs, in the queues of the way and in the receiver's memory. */
  #allow(): void {
    this.window.allowed = this.#repairs.pending ? 0 : this.congestion.window;
  }

  /** The handshake began then, µs, and its answer has come. Without that, were the first frames all lost, none would be probed for. */
  measureHandshake(began: number): void {
    this.#link.readClock();
    this.rtt.hint(this.#link.now[0] - began);
  }

  /** So many more frames are known to have arrived, and when: now, the newest of them. */
  #arrived(count: number, newest: number, limited: boolean): void {
    const { window, rtt, congestion } = this;
    window.measure(newest, this.#link.now, rtt.latest);
    rtt.sampleLatest();
    this.#patience.measured();
    congestion.acknowledged(count, limited);
    this.#allow();
    this.#link.countRoundTrip(rtt.latest);
  }

  /** The bitmap of a selective acknowledgement; frames that it shows to be lost are resent at once. */
  selectivelyAcknowledged(acknowledgement: number, at: number, bytes: number): void {
    const repairs = this.#repairs;
    repairs.begin();
    this.takeAcknowledgementNow();
    const { view } = this.#link.port;
    const { window } = this;
    const limited = window.isLimited;
    const first = (acknowledgement + 1) | 0;
    // Nothing from `next` on can have arrived.
    const end = Math.min(bytes, MAX_BITMAP, (distance(first, window.next) + 7) >> 3);
    let highest = window.una;
    let newest = highest;
    let count = 0;
    for (let i = 0; i < end; i++) {
      const byte = view.getUint8(at + i);
      for (let bit = 0; bit < 8; bit++) {
        if ((byte & (1 << bit)) === 0) continue;
        const sequence = (first + i * 8 + bit) | 0;
        if (distance(window.una, sequence) < 0 || distance(sequence, window.next) <= 0) continue;
        repairs.arrived(sequence);
        highest = sequence;
        this.#trails?.arrived(sequence);
        if (!window.sack(sequence)) continue;
        newest = sequence;
        count++;
      }
    }
    // Karn: nor if what brought the acknowledgement about was sent again after it.
    const once = window.sends(newest) === 1 && !repairs.precedes(newest);
    if (once && count > 0) this.#arrived(count, newest, limited);
    this.#patience.confirm(repairs.age(this.#link.now[0]));
    repairs.pay(count);
    this.#repair(highest);
  }

  /** Fast retransmit: sends the losses below `highest` again, as many as may go. */
  #repair(highest: number): void {
    const { port } = this.#link;
    const { window } = this;
    const repairs = this.#repairs;
    let found = 0;
    repairs.pending = false;
    for (let s = window.una; distance(s, highest) > 0; s = (s + 1) | 0) {
      if (window.isSacked(s) || port.inFlight(window.frameOf(s)) || !repairs.isLoss(s, highest)) continue;
      if (!repairs.mayGo || !this.#resend(s, ChannelCounter.fastResends)) {
        repairs.postpone(highest);
        break;
      }
      repairs.went();
      found++;
      // The repair may be lost like any frame: it is probed for like the last one.
      if (s === window.una) this.#times[Time.resend] = Infinity;
    }
    if (found > 0) this.congestion.lost(found);
    this.#allow();
    if (found > 0) this.arm();
  }

  /**
   * The timeout has run out. True: something was resent; false: there is nothing to resend, but credit or an acknowledgement is
   * missing, so the channel should probe.
   */
  timedOut(): boolean {
    const window = this.window;
    const { counters, now } = this.#link;
    this.attempts++;
    if (window.outstanding === 0) {
      // Asking for credit says nothing about the round trip: these waits grow on their own.
      this.#times[Time.resend] = now[0] + Math.min(this.rtt.rto * 2 ** this.attempts, this.#maxRto);
      return false;
    }
    counters[ChannelCounter.timeouts]++;
    this.rtt.backOff();
    this.congestion.timedOut(this.attempts);
    this.#allow();
    this.#times[Time.resend] = now[0] + this.rtt.rto;
    window.declareLost(now[0], ANY_PATH);
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
    this.#trails?.close();
    for (; window.una !== window.end; window.una = (window.una + 1) | 0) port.free(window.frameOf(window.una));
    window.next = window.end;
    this.#link.pool.freed = true;
    this.#times[Time.resend] = Infinity;
    this.stalled = this.#news.waits = this.#repairs.pending = false;
  }
}
