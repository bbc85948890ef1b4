import { ArgumentError, NicError } from '../errors.js';
import type { Chance } from '../fault/chance.js';
import { checkWord } from './arguments.js';
import type { Link } from './link.js';
import { checkNicOptions, FAILURES } from './nicModel.js';
import type { Failure, SimNicOptions } from './nicModel.js';
import type { Processor } from './processor.js';
import { SimNic } from './simNic.js';
import type { Packet, Port } from './wire.js';

const MTU = 1500;

/** What an interface has to know of the world. */
export interface Place {
  /** The addresses that there are. */
  addresses(): string[];
  /** Whether a partition lies between two addresses. */
  isApart(from: string, to: string): boolean;
}

/** A network interface of a machine. Its name is its address. */
export class Interface implements Port {
  /** @internal */
  link: Link | undefined = undefined;

  readonly #processor: Processor;
  readonly #place: Place;
  #nic: SimNic | undefined = undefined;
  #failure: Failure = 'none';
  #isUp = true;
  #isRemoved = false;

  /** @internal */
  constructor(
    processor: Processor,
    place: Place,
    readonly name: string,
  ) {
    this.#processor = processor;
    this.#place = place;
  }

  /** The NIC that is open on it, or was the last to be. */
  get nic(): SimNic | undefined {
    return this.#nic;
  }

  /** How it fails without a word, from now on. */
  get failure(): Failure {
    return this.#failure;
  }
  set failure(failure: Failure) {
    checkWord('failure', failure, FAILURES);
    this.#failure = failure;
    if (this.#nic !== undefined) this.#nic.failure = failure;
  }

  /** @internal */
  open(chance: Chance, options: SimNicOptions = {}): SimNic {
    checkNicOptions(options);
    if (this.#isRemoved) throw new ArgumentError(`${this.name} was removed.`, { remedy: 'Use another interface.' });
    if (this.#nic !== undefined && this.#nic.state !== 'closed') {
      throw new NicError('ERR_EMP_ADDRESS_IN_USE', `${this.name} is open already.`, {
        remedy: 'Close the other host.',
      });
    }
    const processor = this.#processor;
    const { life } = processor;
    const medium = {
      get now() {
        return processor.now;
      },
      carry: (bytes: Uint8Array, from: string, to: string) => {
        if (life === processor.life) this.link?.carry(this, { bytes, from, to }, processor.now);
      },
      soon: (run: () => void) => void processor.later(run, 0, life),
      addresses: () => this.#place.addresses(),
    };
    const nic = new SimNic(medium, this.name, chance, { ...options, mtu: options.mtu ?? MTU });
    nic.failure = this.#failure;
    if (!this.#isUp) nic.become('down');
    return (this.#nic = nic);
  }

  /** @internal */
  take({ bytes, from, to }: Packet): void {
    if (to === this.name && !this.#place.isApart(from, to)) this.#nic?.arrive(bytes, from);
  }

  /** @internal */
  carrier(up: boolean): void {
    this.#isUp = up;
    this.#nic?.become(up ? 'up' : 'down');
  }

  /** It is gone for good, as when a module is unloaded. */
  remove(): void {
    this.#isRemoved = true;
    this.#nic?.become('removed');
  }

  /** The machine has lost its power. @internal */
  unplugged(): void {
    this.#nic?.close();
  }
}
