import { HISTOGRAM_BUCKETS } from '../../arq/histogram.js';
import { addCounters } from '../../channel/counterMemory.js';
import { CHANNEL_COUNTERS, ChannelCounter, EngineCounter } from '../../channel/counters.js';
import { EmpError } from '../../errors.js';
import { NicCounter, type NicInfo } from '../../nic/contract.js';
import { core, isSystemCallError, type CounterFile } from '../../nic/native.js';
import { PathCounter } from '../../path/counters.js';
import { Reject } from '../../wire/header.js';
import type { WaitStrategy } from '../loop.js';
import { LoopCounter } from '../loopCounters.js';
import { ownPaths, statFiles } from './files.js';
import { PlainHostMemory, type HostMemory } from './hostMemory.js';
import { ADDRESS_AT, BLOCKS, BLOCKS_AT, COUNTERS_AT, Head, LAYOUT, MAGIC, nicFacts } from './layout.js';
import { RecordWord, TEXT_AT, type Block, type BlockName, type Description } from './layout.js';

const NAMES: Readonly<Record<BlockName, Readonly<Record<string, number>> | undefined>> = {
  nic: NicCounter,
  host: EngineCounter,
  rejected: Reject,
  loop: LoopCounter,
  paths: PathCounter,
  ended: ChannelCounter,
  turnLengths: undefined,
  roundTrips: undefined,
};
const STRIDE = COUNTERS_AT + CHANNEL_COUNTERS * 8;
/** As many as a host can have. One more would count in plain memory. */
const MOST_CHANNELS = 1 << 14;
const PAGE = 4096;
/** The file grows by so many bytes. */
const STEP = 4 * PAGE;

/** The blocks, one behind the other; where the next thing begins. */
function plan(): { blocks: Record<BlockName, Block>; end: number } {
  let at = BLOCKS_AT;
  const entries = BLOCKS.map((name): [BlockName, Block] => {
    const names = NAMES[name] === undefined ? undefined : Object.keys(NAMES[name]);
    const length = names?.length ?? HISTOGRAM_BUCKETS;
    const block = { at, length, ...(names === undefined ? {} : { names }) };
    at += length * 8;
    return [name, block];
  });
  return { blocks: Object.fromEntries(entries) as Record<BlockName, Block>, end: at };
}

/** Memory that other processes can read: a file, mapped (docs/stat.md). */
export class PublishedMemory implements HostMemory {
  readonly nic: Float64Array;
  readonly engine: Float64Array;
  readonly rejects: Float64Array;
  readonly loop: Float64Array;
  readonly paths: Float64Array;
  readonly ended: Float64Array;
  readonly turnLengths: Float64Array;
  readonly roundTrips: Float64Array;

  readonly #file: CounterFile;
  readonly #memory: ArrayBuffer;
  readonly #head: Int32Array;
  readonly #channelsAt: number;
  /** How much of the memory may be touched. */
  #length = 0;

  constructor(file: CounterFile, info: NicInfo, wait: WaitStrategy) {
    const { blocks, end } = plan();
    const at = Math.ceil(end / PAGE) * PAGE;
    this.#file = file;
    this.#channelsAt = at;
    this.#memory = file.map(at + MOST_CHANNELS * STRIDE);
    this.#grow(at);
    this.#head = new Int32Array(this.#memory, 0, TEXT_AT / 4);
    const block = (name: BlockName) => new Float64Array(this.#memory, blocks[name].at, blocks[name].length);
    this.nic = block('nic');
    this.engine = block('host');
    this.rejects = block('rejected');
    this.loop = block('loop');
    this.paths = block('paths');
    this.ended = block('ended');
    this.turnLengths = block('turnLengths');
    this.roundTrips = block('roundTrips');
    const channels = { at, stride: STRIDE, names: Object.keys(ChannelCounter) };
    this.#describe({ opened: Date.now(), wait, nic: nicFacts(info), blocks, channels });
  }

  #describe(description: Description): void {
    const text = Buffer.from(JSON.stringify(description));
    new Uint8Array(this.#memory, TEXT_AT, BLOCKS_AT - TEXT_AT).set(text);
    this.#head[Head.layout] = LAYOUT;
    this.#head[Head.textLength] = text.length;
    // Last: who reads before that sees no file of ours.
    Atomics.store(this.#head, Head.magic, MAGIC);
  }

  #grow(length: number): void {
    this.#file.grow(length);
    this.#length = length;
  }

  open(slot: number, id: number, address: string, port: number): Float64Array {
    const at = this.#channelsAt + slot * STRIDE;
    if (!this.#reaches(at + STRIDE)) return new Float64Array(CHANNEL_COUNTERS);
    const counters = new Float64Array(this.#memory, at + COUNTERS_AT, CHANNEL_COUNTERS);
    const words = new Int32Array(this.#memory, at, 3);
    const room = new Uint8Array(this.#memory, at + ADDRESS_AT, COUNTERS_AT - ADDRESS_AT);
    this.#change(() => {
      counters.fill(0);
      words[RecordWord.port] = port;
      words[RecordWord.addressLength] = new TextEncoder().encodeInto(address, room).written;
      words[RecordWord.id] = id;
    });
    return counters;
  }

  close(slot: number, counters: Float64Array): Float64Array {
    if (counters.buffer !== this.#memory) {
      addCounters(this.ended, counters);
      return counters;
    }
    const kept = counters.slice();
    this.#change(() => {
      addCounters(this.ended, kept);
      new Int32Array(this.#memory, this.#channelsAt + slot * STRIDE, 1)[RecordWord.id] = 0;
    });
    return kept;
  }

  end(): void {
    open.delete(this.#file);
    if (open.size === 0) process.off('exit', closeAll);
    this.#file.close();
  }

  /** Makes the file long enough; false if it cannot be. */
  #reaches(end: number): boolean {
    if (end <= this.#length) return true;
    const length = Math.min(Math.ceil(end / STEP) * STEP, this.#memory.byteLength);
    if (end > length) return false;
    try {
      this.#grow(length);
      return true;
    } catch {
      return false;
    }
  }

  /** Readers see that something changes, and that it has changed. */
  #change(body: () => void): void {
    Atomics.add(this.#head, Head.sequence, 1);
    body();
    Atomics.add(this.#head, Head.sequence, 1);
  }
}

/** Files of this thread. A process that is killed leaves its own to the next that looks. */
const open = new Set<CounterFile>();

function closeAll(): void {
  for (const file of open) file.close();
}

/** Memory that others can read, or plain memory: where it cannot be had, a host counts all the same. */
export function openHostMemory(info: NicInfo, wait: WaitStrategy): HostMemory {
  try {
    statFiles(); // removes those of killed processes
    const file = createFile();
    try {
      const memory = new PublishedMemory(file, info, wait);
      if (open.size === 0) process.on('exit', closeAll);
      open.add(file);
      return memory;
    } catch (error) {
      file.close();
      throw error;
    }
  } catch (error) {
    const isNoAddon = error instanceof EmpError && error.code === 'ERR_EMP_ADDON_MISSING';
    if (isNoAddon || isSystemCallError(error)) return new PlainHostMemory();
    throw error;
  }
}

function createFile(): CounterFile {
  const { CounterFile } = core();
  let taken: unknown;
  for (const path of ownPaths()) {
    try {
      return new CounterFile(path);
    } catch (error) {
      if (!isSystemCallError(error) || error.code !== 'EEXIST') throw error;
      taken = error;
    }
  }
  throw taken;
}
