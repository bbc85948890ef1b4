import { ArgumentError } from '../errors.js';
import { addCounts } from '../fault/model.js';
import type { FaultCounts } from '../fault/model.js';
import type { Nic, NicOptions } from '../nic/contract.js';
import { openNic } from '../nic/open.js';
import { MultiNic } from '../path/multiNic.js';
import type { PathEvent } from '../path/events.js';
import { resolvePathOptions } from '../path/options.js';
import type { PathSurroundings } from '../path/options.js';
import { FaultyNic } from './fault/faultyNic.js';
import { checkNic, isNic } from './options.js';
import type { HostOptions } from './options.js';
import { TappedNic } from './tap/tappedNic.js';
import { tapWanted } from './tap/tapServer.js';

/** The NICs of a host, with what is put around each: faults, and an eye for `emp capture`. */
export class HostNics {
  /** Those that were not closed when another one was added last, and what befell the others: a host may change its NICs for ever. */
  #faulty: FaultyNic[] = [];
  #past: FaultCounts | undefined = undefined;
  #fates = 0;
  readonly #given = new WeakSet<Nic>();
  readonly #options: Pick<HostOptions, 'faults' | 'tap'>;
  /** If the host was opened with a list of NICs. */
  multi: MultiNic | undefined = undefined;

  constructor(options: Pick<HostOptions, 'faults' | 'tap'>) {
    this.#options = options;
  }

  /** What the faults have done so far, on all NICs; undefined if there are none. */
  get faults(): Readonly<FaultCounts> | undefined {
    return this.#faulty.map(({ faults }) => faults).reduce<FaultCounts | undefined>(addCounts, this.#past);
  }

  /** One, or several as one. If one cannot be opened, those that were are closed. */
  async open({ nic, paths }: HostOptions, surroundings: PathSurroundings): Promise<Nic> {
    if (!isList(nic)) return this.#one(nic);
    const settings = resolvePathOptions(paths);
    const opened: Nic[] = [];
    try {
      for (const each of nic) {
        this.#assertNew(each);
        opened.push(await this.#one(each));
        this.#give(each);
      }
      return (this.multi = new MultiNic(opened, settings, surroundings));
    } catch (error) {
      // What was given open stays open.
      opened.forEach((each, i) => {
        if (!isNic(nic[i])) each.close();
      });
      throw error;
    }
  }

  /** Another one. @param assertOpen throws if the host has been closed meanwhile */
  async add(nic: NicOptions | Nic, assertOpen: () => void): Promise<Nic> {
    const multi = this.several('addNic()');
    checkNic(nic);
    this.#assertNew(nic);
    const opened = await this.#one(nic);
    try {
      assertOpen();
      multi.add(opened);
    } catch (error) {
      // What was given open stays open.
      if (!isNic(nic)) opened.close();
      throw error;
    }
    this.#give(nic);
    return opened;
  }

  /** Gives one up. */
  remove(nic: Nic): void {
    const multi = this.several('removeNic()');
    if (multi.remove(nic)) return;
    const [what, remedy] = multi.nics.includes(nic)
      ? ['the last NIC of the host', 'Add another one first, or close the host.']
      : ['something that is no NIC of this host', 'Pass an element of host.nics.'];
    throw new ArgumentError(`removeNic() was given ${what}.`, { remedy });
  }

  /** For what makes sense with a list of NICs alone. */
  several(call: string): MultiNic {
    if (this.multi !== undefined) return this.multi;
    throw new ArgumentError(`${call} was called on a host that was opened with a single NIC.`, {
      remedy: 'Open it with a list, nic: [...], which may have one element.',
    });
  }

  /** Counts and tells what happens to paths. @param enter before anything changes outside of a turn of the loop */
  watch(counters: Float64Array, enter: () => void, tell: (event: PathEvent) => void): void {
    const { multi } = this;
    if (multi === undefined) return;
    multi.paths.countIn(counters);
    multi.onLink = enter;
    multi.paths.onEvent = tell;
  }

  #assertNew(nic: NicOptions | Nic): void {
    if (!isNic(nic) || !this.#given.has(nic)) return;
    throw new ArgumentError('The same NIC was given twice.', { remedy: 'Pass each once.' });
  }

  #give(nic: NicOptions | Nic): void {
    if (isNic(nic)) this.#given.add(nic);
  }

  async #one(nic: NicOptions | Nic): Promise<Nic> {
    const opened = this.#withFaults(isNic(nic) ? nic : openNic(nic));
    return (this.#options.tap ?? tapWanted()) ? TappedNic.wrap(opened) : opened;
  }

  #withFaults(nic: Nic): Nic {
    const { faults } = this.#options;
    if (faults === undefined) return nic;
    // Each NIC has a fate of its own.
    const seed = faults.seed === undefined ? {} : { seed: faults.seed + this.#fates++ };
    const closed = this.#faulty.filter(({ state }) => state === 'closed');
    for (const one of closed) this.#past = addCounts(this.#past, one.faults);
    this.#faulty = this.#faulty.filter((one) => !closed.includes(one));
    const faulty = new FaultyNic(nic, { ...faults, ...seed });
    this.#faulty.push(faulty);
    return faulty;
  }
}

export function isList(nic: HostOptions['nic']): nic is readonly (NicOptions | Nic)[] {
  return Array.isArray(nic);
}
