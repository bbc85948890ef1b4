import type { Events } from './events.js';

/** What reading the clock takes of a machine's time, µs: it stands for a turn, or for the 64 polls between two readings. */
const WORK = 2;

/** Something that is to run. Without `run` it was called off. */
interface Task {
  run: (() => void) | undefined;
}

/** The processor of a machine: it does one thing after the other, first come, first served, and all it does takes time. */
export class Processor {
  /** Counts how often the power came: what was to run in an earlier life does not. */
  life = 0;
  hasPower = true;
  isRunning = false;

  readonly #events: Events;
  /** What runs now has taken so long, µs. */
  #spent = 0;
  /** It is taken until then, µs. */
  #busyUntil = 0;
  /** What waits for it. */
  #ready: Task[] = [];

  /** @param rate how fast the machine's clock goes */
  constructor(
    events: Events,
    readonly rate: number,
  ) {
    this.#events = events;
  }

  /** Virtual time at which what runs here now has come to, µs. */
  get now(): number {
    return Math.max(this.#events.now, this.#busyUntil) + this.#spent;
  }

  /** A little work; the time after it. Work that a program does outside of any task counts as well: time never goes back. */
  work(): number {
    if (this.isRunning) this.#spent += WORK;
    else this.#busyUntil = this.now + WORK;
    return this.now;
  }

  /** Runs something in so many µs of the machine's clock, as soon as it can. */
  later(run: () => void, delay: number, life = this.life): Task {
    const task: Task = { run };
    if (life !== this.life || !this.hasPower) return task;
    const queue = () => {
      if (life !== this.life || task.run === undefined) return;
      if (this.#ready.push(task) === 1) this.#serve();
    };
    this.#events.at(this.now + delay / this.rate, queue, true);
    return task;
  }

  /** Runs something right after what runs now. */
  next(run: () => void): void {
    this.#events.at(this.#events.now, run);
  }

  #serve(): void {
    const { life } = this;
    this.#events.at(this.#busyUntil, () => {
      if (life !== this.life) return;
      if (this.#busyUntil > this.#events.now) return this.#serve();
      const { run } = this.#ready.shift()!;
      try {
        if (run !== undefined) this.#run(run);
      } finally {
        if (this.#ready.length > 0) this.#serve();
      }
    });
  }

  #run(run: () => void): void {
    this.isRunning = true;
    try {
      run();
    } finally {
      this.isRunning = false;
      this.#busyUntil = this.now;
      this.#spent = 0;
    }
  }

  /** Nothing runs for so long, µs. */
  stop(duration: number): void {
    this.#busyUntil = Math.max(this.#busyUntil, this.#events.now) + duration;
  }

  off(): void {
    this.hasPower = false;
    this.life++;
    this.#ready = [];
  }

  on(): void {
    this.hasPower = true;
    this.#busyUntil = Math.max(this.#events.now, 0);
  }
}
