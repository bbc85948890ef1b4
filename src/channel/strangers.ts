import { TokenBucket } from '../arq/tokenBucket.js';
import { Refusal, readReasonVersion } from '../wire/control.js';
import { FrameType, VERSION, destinationOf, headerBytesOf, sequenceOf, sourceOf, typeOf } from '../wire/header.js';
import type { ControlFrames } from './controlFrames.js';
import { EngineCounter } from './counters.js';
import { ChannelState } from './events.js';
import type { FramePort } from './port.js';
import type { ChannelTable } from './table.js';

/** Answers to frames that are for nobody: so many at once, and so many more a second. */
const ANSWER_BURST = 64;
const ANSWERS_PER_MICROSECOND = 1000 / 1_000_000;

/** Frames that are for no channel of this host, or of another version: who sent them is told, at a bounded rate. */
export class Strangers {
  /** RESETs for unknown channels, and refusals where nobody listens. */
  readonly #answers = new TokenBucket(ANSWER_BURST, ANSWERS_PER_MICROSECOND);
  readonly #port: FramePort;
  readonly #table: ChannelTable;
  readonly #control: ControlFrames;
  readonly #counters: Float64Array;

  /** @param counters the engine's */
  constructor(port: FramePort, table: ChannelTable, control: ControlFrames, counters: Float64Array) {
    this.#port = port;
    this.#table = table;
    this.#control = control;
    this.#counters = counters;
  }

  mayAnswer(now: number): boolean {
    return this.#answers.take(now);
  }

  /** A frame of another version. The fixed header is the same in every one, and its check was right: we can say that we do not understand. */
  speak(index: number, at: number, now: number): void {
    const { view, rx } = this.#port;
    const type = typeOf(view, at);
    if (type === FrameType.connect) {
      if (!this.mayAnswer(now)) return;
      return this.#control.refuse(this.#port.source(index), sourceOf(view, at), sequenceOf(view, at), Refusal.version);
    }
    if (type !== FrameType.refuse) return;
    const channel = this.#table.find(destinationOf(view, at));
    if (channel === undefined || channel.state !== ChannelState.connecting) return;
    const header = headerBytesOf(view, at);
    const room = rx.frame[index] + rx.length[index] - at - header;
    const theirs = readReasonVersion(view, at + header, room);
    channel.fail('version', `it speaks version ${theirs}, this side ${VERSION}`);
  }

  /** Tells a peer that outlived us (or that we outlived) that its channel is no more. */
  unknown(index: number, at: number, type: number, now: number): void {
    this.#counters[EngineCounter.unknownChannel]++;
    if (type === FrameType.reset || type === FrameType.refuse || !this.mayAnswer(now)) return;
    const { view } = this.#port;
    const id = destinationOf(view, at);
    this.#control.unknown(this.#port.source(index), sourceOf(view, at), id, this.#table.farewell(id));
  }
}
