import { EmpError, type Channel, type Host, type LinkAddress } from '../../src/index.js';
import { CONTROL_PORT, type CpuTime, type Manner } from './commands.js';
import { decode, encode, isObject, VERSION, type Question } from './dialogue.js';

/** The server of a measurement as its client sees it: an `emp echo` on another machine, asked to take part. */
export class Remote {
  readonly #waiting: { resolve: (answer: Record<string, unknown>) => void; reject: (error: Error) => void }[] = [];
  #ended: EmpError | undefined;

  private constructor(
    private readonly channel: Channel,
    private readonly address: LinkAddress,
  ) {
    channel.onMessage = (bytes, at, length) => this.#answered(decode(bytes.slice(at, at + length)));
    channel.onClose = ({ error }) => {
      this.#ended = error ?? new EmpError('ERR_EMP_CLOSED', `The emp echo at ${address} has ended the measurement.`);
      for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
    };
  }

  static async open(host: Host, address: LinkAddress, begin: Manner): Promise<Remote> {
    const remote = new Remote(await connect(host, address), address);
    const { version, refused } = await remote.#ask({ version: VERSION, begin });
    if (version !== VERSION) {
      throw new EmpError(
        'ERR_EMP_VERSION',
        `The emp echo at ${address} takes part in measurements of version ${String(version)}, and this is version ${VERSION}.`,
        { remedy: 'Run the same release on both machines.' },
      );
    }
    if (refused === undefined) return remote;
    throw new EmpError('ERR_EMP_REFUSED', `The emp echo at ${address} does not take part: ${refused as string}.`, {
      remedy: 'Wait until it is free, three seconds after its client was last heard of at most; or start another one.',
    });
  }

  async cpu(): Promise<CpuTime> {
    const { cpu } = await this.#ask({ cpu: true });
    return cpu as CpuTime;
  }

  /** The server is free again. */
  async close(): Promise<void> {
    await this.channel.close();
  }

  #ask(question: Question): Promise<Record<string, unknown>> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.channel.write(encode(question)).catch(reject);
    });
  }

  #answered(answer: unknown): void {
    if (isObject(answer)) return this.#waiting.shift()?.resolve(answer);
    this.#waiting.shift()?.reject(strange(this.address));
  }
}

function strange(address: LinkAddress): EmpError {
  return new EmpError('ERR_EMP_REFUSED', `What answers at ${address} is no emp echo of this release.`, {
    remedy: 'Run the same release on both machines.',
  });
}

async function connect(host: Host, address: LinkAddress): Promise<Channel> {
  try {
    return await host.connect(address, CONTROL_PORT);
  } catch (cause) {
    if (!(cause instanceof EmpError) || cause.code !== 'ERR_EMP_REFUSED') throw cause;
    throw new EmpError('ERR_EMP_REFUSED', `What answers at ${address} takes part in no measurement but ping-pong.`, {
      remedy: 'Start the emp echo of this release there; one of an older release has only its echo.',
      cause,
    });
  }
}
