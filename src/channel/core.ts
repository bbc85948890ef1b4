import { ArgumentError } from '../errors.js';
import { ChannelCounter } from './counters.js';
import { ChannelState, type ChannelEvents, type ChannelStateValue } from './events.js';
import { Time, type Link } from './link.js';
import type { ChannelSettings } from './options.js';
import type { ChannelOwner } from './owner.js';
import { closeError, resetCode, resetReason, type CloseReason } from './reasons.js';
import { Receiver, type ReceiverEvents } from './receiver.js';
import { Sender } from './sender.js';
import { Signs } from './signs.js';
import { ResetReason } from '../wire/control.js';
import type { Handshake } from '../wire/control.js';

const SHORTEST_LINGER = 10_000;
const LONGEST_LINGER = 500_000;

/** One channel: its state, and its two halves joined. Sans-I/O: the time is `link.now`, frames go to `link.port`. */
export class ChannelCore implements ReceiverEvents {
  state: ChannelStateValue = ChannelState.connecting;
  /** What the peer is told, by a RESET, should a frame of it come after the end: a RESET sent at the end may have been lost. */
  farewell: number = ResetReason.unknownChannel;
  /** In the engine's list of this turn. */
  touched = false;
  events: ChannelEvents | undefined = undefined;
  /** The host ends its channels. */
  hostClosing = false;
  /** First sequence number of the peer. */
  peerSequence = 0;
  // Made when the handshake has told the peer's parameters.
  sender!: Sender;
  receiver!: Receiver;

  readonly #signs: Signs;
  /** The handshake: nobody knows which of them was answered. */
  #hasRepeated = false;
  #endTold = false;
  readonly #times: Float64Array;
  readonly #born: number;

  constructor(
    readonly link: Link,
    readonly slot: number,
    readonly address: string,
    readonly port: number,
    readonly settings: ChannelSettings,
    /** First sequence number of this side. */
    readonly initialSequence: number,
    readonly owner: ChannelOwner<ChannelCore>,
  ) {
    this.#times = link.times;
    this.#born = link.now[0];
    this.#signs = new Signs(link.times, link.now);
  }

  get name(): string {
    return `${this.address} port ${this.port}`;
  }

  get isOpen(): boolean {
    return this.state === ChannelState.open;
  }

  get isClosed(): boolean {
    return this.state === ChannelState.closed;
  }

  // ---- the handshake

  connect(): void {
    this.link.paths?.meet(this.link.peer);
    this.owner.control.connect(this);
    this.#repeatHandshake();
    this.owner.touch(this);
  }

  /** The receiving side of a CONNECT, and the asking side of an ACCEPT, learn the peer's parameters. */
  agree(remoteId: number, peer: Handshake, peerSequence: number): void {
    this.peerSequence = peerSequence;
    const { link, settings } = this;
    link.agree(
      remoteId,
      Math.min(link.port.info.mtu, peer.mtu),
      settings.payloadCheck || peer.payloadCheck,
      peer.coalesces,
    );
    this.receiver = new Receiver(link, peerSequence, settings.window, settings.maxMessage, this);
    this.sender = new Sender(link, this.receiver, settings, this.initialSequence, peer.window, peer.maxMessage);
  }

  accept(): void {
    this.state = ChannelState.accepting;
    this.owner.control.accept(this);
    this.#repeatHandshake();
    this.owner.touch(this);
  }

  /** The handshake is done: on the asking side by the ACCEPT, on the other by the first frame that answers it. */
  open(): void {
    this.link.paths?.meet(this.link.peer);
    this.state = ChannelState.open;
    if (!this.#hasRepeated) this.sender.flight.measureHandshake(this.#born);
    this.#signs.attempts = 0;
    this.#times[Time.timer] = this.link.now[0] + this.settings.keepAlive;
  }

  // ---- frames

  heard(): void {
    this.#signs.heard();
  }

  /** Its frames have gone by a path that has failed: they go again, and the peer hears what was acknowledged, by another one. */
  reroute(path: number): void {
    switch (this.state) {
      case ChannelState.connecting:
        return this.owner.control.connect(this);
      case ChannelState.accepting:
        return this.owner.control.accept(this);
      case ChannelState.open:
        this.sender.flight.reroute(path);
        this.receiver.asked();
        return this.owner.touch(this);
      case ChannelState.lingering:
        this.receiver.asked();
        return this.owner.touch(this);
      case ChannelState.closed:
    }
  }

  // ---- what the receiving half reports

  message(bytes: Uint8Array, offset: number, length: number, type: number): void {
    try {
      this.events?.message(bytes, offset, length, type);
    } catch (error) {
      this.#threw(undefined, error);
    }
  }

  get wantsFragments(): boolean {
    return this.events?.wantsFragments ?? false;
  }

  fragment(bytes: Uint8Array, offset: number, length: number, position: number, total: number, type: number): void {
    const { counters } = this.link;
    counters[ChannelCounter.bytesReceived] += length;
    if (position + length === total) counters[ChannelCounter.messagesReceived]++;
    try {
      this.events?.fragment(bytes, offset, length, position, total, type);
    } catch (error) {
      this.#threw('onFragment', error);
    }
  }

  assembled(bytes: Uint8Array, length: number, type: number): void {
    const { counters } = this.link;
    counters[ChannelCounter.messagesReceived]++;
    counters[ChannelCounter.bytesReceived] += length;
    this.message(bytes, 0, length, type);
  }

  peerEnded(): void {
    try {
      this.events?.peerEnded();
    } catch (error) {
      this.#threw('onEnd', error);
    }
  }

  /** A handler threw. While the host is being closed it is not to blame: it may have tried to send on a side that has ended. */
  #threw(detail: string | undefined, error: unknown): void {
    if (this.hostClosing) this.fail('host-closed');
    else this.fail('handler', detail, error);
  }

  violated(reason: 'protocol' | 'message-too-long' | 'no-memory'): void {
    this.fail(reason);
  }

  // ---- the application

  end(): void {
    if (this.state !== ChannelState.open) return;
    this.sender.end();
    this.owner.touch(this);
  }

  pause(): void {
    this.receiver.paused = true;
  }

  resume(): void {
    if (this.state !== ChannelState.open || !this.receiver.paused) return;
    this.receiver.paused = false;
    this.owner.touch(this);
  }

  /** Ends the channel at once: the peer is told, frames are given back, the owner gets its last event. */
  fail(reason: Exclude<CloseReason, 'ended'>, detail?: string, cause?: unknown): void {
    if (this.state === ChannelState.closed) return;
    const code = resetCode(reason);
    if (this.state === ChannelState.lingering) {
      // Only the linger is cut short: the peer may miss the last acknowledgement, and a reset would tell it of a failure.
      if (code !== undefined) this.owner.control.ack(this);
      return this.#close();
    }
    if (code !== undefined && this.link.remoteId !== 0) {
      this.farewell = code;
      this.owner.control.reset(this, code);
    }
    this.#break(reason, detail, cause);
  }

  #break(reason: Exclude<CloseReason, 'ended'>, detail?: string, cause?: unknown): void {
    this.#close();
    this.events?.closed(reason, closeError(reason, this.name, detail, cause));
  }

  // ---- the end of a turn

  /** Sends what this turn has made possible, and the acknowledgement if nothing carried it. */
  settle(): void {
    this.#signs.settle();
    if (this.state >= ChannelState.accepting && this.state !== ChannelState.closed)
      this.sender.flight.takeAcknowledgement();
    if (this.state === ChannelState.open && this.receiver.window.waiting > 0) this.receiver.drain();
    if (this.state === ChannelState.open) {
      const { sender } = this;
      if (sender.hasWork) this.#pump();
      if (!this.isOpen) return;
      if (sender.flight.hasBrokenPromise) this.#ask();
      sender.flight.arm();
      if (sender.blocked && sender.hasRoom) this.#writable();
      if (this.isOpen && sender.finished) this.#finished();
    }
    const answers = this.state === ChannelState.open || this.state === ChannelState.lingering;
    if (!answers || !this.receiver.owesAck()) return;
    this.owner.control.ack(this);
    // No memory or no room in the ring: in the next turn.
    if (this.receiver.owesAck()) this.owner.touch(this);
  }

  #pump(): void {
    try {
      this.sender.pump();
    } catch (error) {
      // The application changed a long message under us. Anything else is not of this channel alone.
      if (!(error instanceof ArgumentError)) throw error;
      this.fail('aborted', undefined, error);
    }
  }

  #writable(): void {
    this.sender.blocked = false;
    try {
      this.events?.writable();
    } catch (error) {
      this.#threw(undefined, error);
    }
  }

  /** Our end was consumed by the peer; with the peer's end the channel is over. */
  #finished(): void {
    if (!this.#endTold) {
      this.#endTold = true;
      this.events?.ended();
    }
    if (this.isOpen && this.receiver.ended) this.#linger();
  }

  #linger(): void {
    this.state = ChannelState.lingering;
    this.farewell = ResetReason.ended;
    const linger = Math.min(Math.max(4 * this.sender.rtt.rto, SHORTEST_LINGER), LONGEST_LINGER);
    this.#times[Time.timer] = this.link.now[0] + linger;
    this.events?.closed('ended', undefined);
  }

  /** A RESET, which is never answered. In peace if the peer says that it has delivered everything. */
  reset(code: number): void {
    if (this.state === ChannelState.lingering) return this.#close();
    const isPeace = code === ResetReason.ended && this.isOpen && this.receiver.ended && this.sender.endQueued;
    if (!isPeace) return this.#break(resetReason(code));
    this.farewell = ResetReason.ended;
    this.#close();
    if (!this.#endTold) this.events?.ended();
    this.events?.closed('ended', undefined);
  }

  // ---- time

  /** When `timer` wants to be called, µs. */
  get deadline(): number {
    return Math.min(this.#times[Time.timer], this.#times[Time.resend]);
  }

  timer(): void {
    const now = this.link.now[0];
    switch (this.state) {
      case ChannelState.connecting:
      case ChannelState.accepting:
        if (now >= this.#times[Time.timer]) this.#handshakeTimer(now);
        return;
      case ChannelState.open:
        // What came in this turn counts first: after a long sleep the timer has run out, and yet nothing is lost.
        this.sender.flight.takeAcknowledgement();
        if (now >= this.#times[Time.resend]) this.#resendTimer(now);
        if (this.state === ChannelState.open && now >= this.#times[Time.timer]) this.#keepAliveTimer(now);
        return;
      case ChannelState.lingering:
        if (now >= this.#times[Time.timer]) this.#close();
        return;
      case ChannelState.closed:
    }
  }

  #handshakeTimer(now: number): void {
    if (now >= this.#giveUpAt()) {
      if (this.state === ChannelState.accepting) this.#close();
      else this.fail('timeout', `after ${Math.round((now - this.#born) / 1000)} ms`);
      return;
    }
    this.#signs.attempts++;
    this.#hasRepeated = true;
    if (this.state === ChannelState.connecting) this.owner.control.connect(this);
    else this.owner.control.accept(this);
    this.#repeatHandshake();
  }

  /** The next try, with back-off, or the end of all tries. */
  #repeatHandshake(): void {
    const { initial, max } = this.settings.rto;
    const next = this.link.now[0] + Math.min(initial * 2 ** this.#signs.attempts, max);
    this.#times[Time.timer] = Math.min(next, this.#giveUpAt());
  }

  #giveUpAt(): number {
    return this.#born + this.settings.connectTimeout;
  }

  #resendTimer(now: number): void {
    const { settings, sender } = this;
    if (sender.flight.probeTail()) {
      if (sender.flight.stalled) this.owner.touch(this);
      return;
    }
    if (this.#signs.isDead(this.settings.peerTimeout)) return this.fail('unreachable');
    // Waiting for credit is no resend: the peer is there, its reader is slow.
    const isResend = sender.window.outstanding > 0 && !sender.endWaits;
    if (settings.onResend !== undefined && isResend && !this.#decide(now)) return;
    this.#signs.attempts++;
    if (!sender.flight.timedOut()) this.owner.control.probe(this);
    if (sender.flight.stalled) this.owner.touch(this);
  }

  /** The resend decision (E4). */
  #decide(now: number): boolean {
    const { sender, settings } = this;
    const { outstanding } = sender.window;
    const silence = now - this.#times[Time.heard];
    try {
      if (settings.onResend!({ attempts: sender.flight.attempts + 1, outstanding, silence })) return this.isOpen;
      this.fail('gave-up');
    } catch (error) {
      this.#threw('onResend', error);
    }
    return false;
  }

  #keepAliveTimer(now: number): void {
    const { keepAlive } = this.settings;
    // One sum, compared and kept: with a difference the rounding could say "not yet" about a time that has come, for ever.
    const due = this.#times[Time.heard] + keepAlive;
    if (now < due) {
      this.#times[Time.timer] = due;
      return;
    }
    if (this.#signs.isDead(this.settings.peerTimeout)) return this.fail('unreachable');
    this.#signs.attempts++;
    this.owner.control.probe(this);
    this.#times[Time.timer] = now + keepAlive;
  }

  /** No memory or no room in the ring: in the next turn. */
  #ask(): void {
    if (this.owner.control.probe(this)) this.sender.flight.asked();
    else this.owner.touch(this);
  }

  #close(): void {
    this.state = ChannelState.closed;
    this.#times[Time.timer] = Infinity;
    this.sender?.close();
    this.receiver?.close();
    this.owner.release(this);
  }
}
