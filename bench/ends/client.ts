import { EmpError, Host, type Channel } from '../../src/index.js';
import type { Ask, CpuTime, Limit, Opened, Outcome, TaskOptions } from './commands.js';
import { Flooder } from './flooder.js';
import { Loader } from './loader.js';
import { nicOf } from './lossyNic.js';
import { Remote } from './remote.js';
import { Requester } from './requester.js';
import { Rester } from './rester.js';
import type { Task } from './task.js';

/** Without any progress for so long, ms, the run has failed: the channel itself repeats lost frames long before. */
const PATIENCE = 10_000;
const POLLS_PER_LOOK = 1 << 16;
/** Connections that are asked for side by side. */
const AT_ONCE = 32;

/** The client's end of every measurement: its channels, and the task that they are used for. */
export class Client {
  readonly #task: Task;
  #failure: Error | undefined;
  #settle: (() => void) | undefined;

  private constructor(
    readonly host: Host,
    private readonly channels: readonly Channel[],
    private readonly remote: Remote | undefined,
    options: TaskOptions,
  ) {
    this.#task = taskOf(channels, options);
    for (const channel of channels) {
      channel.onClose = ({ error }) => {
        this.#failure ??= error ?? new EmpError('ERR_EMP_CLOSED', 'The server ended a channel.');
        this.#settle?.();
      };
    }
  }

  static async open(options: Ask): Promise<Client> {
    const host = await Host.open({ nic: nicOf(options), wait: options.wait });
    try {
      const { address, server, task } = options;
      const remote = server === undefined ? undefined : await Remote.open(host, address, server);
      return new Client(host, await connect(host, options), remote, task);
    } catch (error) {
      await host.close({ force: true });
      throw error;
    }
  }

  get opened(): Opened {
    return { address: this.host.address, info: this.host.nic.info };
  }

  /** `spin`: polls until it is over; `also` is polled, too. */
  async run(limit: Limit, spin: boolean, also?: Host): Promise<Outcome> {
    this.#task.start(limit);
    if (spin) this.#spin(also);
    else await this.#wait();
    if (this.#failure !== undefined) throw this.#failure;
    return this.#task.outcome();
  }

  /** Of the server elsewhere. */
  cpuThere(): Promise<CpuTime> {
    return this.remote!.cpu();
  }

  async close(): Promise<void> {
    for (const channel of this.channels) channel.onClose = undefined;
    const ended = Promise.all([...this.channels.map((channel) => channel.close()), this.remote?.close()]);
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 1000).unref())]);
    await this.host.close({ force: true });
  }

  #spin(also: Host | undefined): void {
    const { host } = this;
    const task = this.#task;
    const watch = new Watch(task, this.channels[0]);
    while (!task.done && this.#failure === undefined) {
      for (let i = 0; i < POLLS_PER_LOOK && !task.done; i += 1) {
        also?.poll();
        host.poll();
        task.turn?.();
      }
      this.#failure ??= watch.look();
    }
  }

  async #wait(): Promise<void> {
    const watch = new Watch(this.#task, this.channels[0]);
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#settle = this.#task.onDone = resolve;
        if (this.#task.done || this.#failure !== undefined) resolve();
        timer = setInterval(() => {
          const standstill = watch.look();
          if (standstill !== undefined) reject(standstill);
        }, 1000);
      });
    } finally {
      clearInterval(timer);
      this.#settle = this.#task.onDone = undefined;
    }
  }
}

function taskOf(channels: readonly Channel[], options: TaskOptions): Task {
  switch (options.kind) {
    case 'flood':
      return new Flooder(channels[0], options);
    case 'requests':
      return new Requester(channels, options);
    case 'load':
      return new Loader(channels[0], options);
    case 'rest':
      return new Rester(channels[0]);
  }
}

/** As many channels as the task needs, some at a time. */
async function connect(host: Host, { address, port, task }: Ask): Promise<Channel[]> {
  const count = task.kind === 'requests' ? task.channels : 1;
  const channels: Channel[] = [];
  while (channels.length < count) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - channels.length) }, () => host.connect(address, port));
    channels.push(...(await Promise.all(some)));
  }
  return channels;
}

/** Notices when a task stands still, and its channel with it: one that resends goes on. */
class Watch {
  #seen = NaN;
  #since = performance.now();

  constructor(
    private readonly task: Task,
    private readonly channel: Channel,
  ) {}

  look(): EmpError | undefined {
    const progress = this.task.progress + this.#frames();
    if (progress !== this.#seen) {
      this.#seen = progress;
      this.#since = performance.now();
    }
    if (performance.now() - this.#since <= PATIENCE) return undefined;
    return new EmpError('ERR_EMP_TIMEOUT', `A measurement stood still for ${PATIENCE / 1000} s.`, {
      remedy: 'Check that the server is still there.',
    });
  }

  #frames(): number {
    const { framesSent, framesReceived, timeoutResends } = this.channel.counters();
    return framesSent + framesReceived + timeoutResends;
  }
}
