/** Opens an AF_XDP socket in the best mode there is, with its memory cut up and its fill ring full. */
import { ArgumentError, NicError } from '../../errors.js';
import type { XdpOptions } from '../contract.js';
import { namespaceArgument } from '../namespace.js';
import type { RawLinkFacts } from '../native.js';
import { core, isSystemCallError } from '../native.js';
import { checkEthernetLink, ethernetOpenError, noInterface, placeName } from '../openErrors.js';
import {
  checkFrameMemory,
  etherTypeOption,
  framesOption,
  integerOption,
  interfaceOption,
  knownOptions,
  mtuOption,
} from '../options.js';
import type { XdpSocket } from './addon.js';
import { xdpAddon } from './addon.js';
import type { Subject } from './errors.js';
import { xdpOpenError } from './errors.js';
import type { Layout } from './layout.js';
import { defaultFrames, layout, RX_HEADROOM } from './layout.js';
import type { XdpMode } from './modes.js';
import { enterMode, knownObstacle, modeFailure, modesFor, noModeError } from './modes.js';
import { ConsumerRing, ProducerRing } from './ring.js';
import { Round } from './round.js';

/** Frames that `receive` takes at once. */
export const BURST = 64;
const IFF_UP = 1;
const BUSY_POLL_BUDGET = 64;
const HUGE_PAGES = ['auto', 'never', 'require'] as const;
const OPTIONS = [
  ...['interface', 'namespace', 'queue', 'etherType', 'mtu', 'txFrames', 'rxFrames'],
  ...['require', 'modes', 'needWakeup', 'busyPoll', 'hugePages'],
];

interface Rings {
  readonly fill: ProducerRing;
  readonly completion: ConsumerRing;
  readonly rx: ConsumerRing;
  readonly tx: ProducerRing;
  /** What the fill ring was filled with. */
  readonly round: Round;
}

export interface OpenSocket {
  readonly socket: XdpSocket;
  readonly memory: ArrayBuffer;
  readonly rings: Rings;
  readonly plan: Layout;
  readonly mode: XdpMode;
  readonly link: RawLinkFacts;
  readonly options: XdpOptions;
  readonly queue: number;
  readonly etherType: number;
  readonly needWakeup: boolean;
  readonly hugePages: boolean;
  readonly notes: readonly string[];
}

export function openSocket(options: XdpOptions): OpenSocket {
  checkOptions(options);
  const modes = modesFor(options);
  const subject = subjectFor(options);
  const tried: string[] = [];
  for (const mode of modes) {
    const obstacle = knownObstacle(mode, subject.link);
    if (obstacle !== undefined) {
      tried.push(`${mode}: ${obstacle}`);
      continue;
    }
    const opened = attempt(mode, subject, options, tried);
    if (opened !== undefined) return opened;
  }
  throw noModeError(tried, subject, options);
}

function checkOptions(options: XdpOptions): void {
  knownOptions('xdp', options, OPTIONS);
  interfaceOption(options.interface);
  const { hugePages, needWakeup, busyPoll } = options;
  if (hugePages !== undefined && !HUGE_PAGES.includes(hugePages)) {
    throw new ArgumentError(`hugePages is ${String(hugePages)}; expected ${HUGE_PAGES.join(', ')}.`);
  }
  if (needWakeup !== undefined && typeof needWakeup !== 'boolean') {
    throw new ArgumentError(`needWakeup is ${String(needWakeup)}; expected true or false.`);
  }
  if (busyPoll !== undefined) {
    integerOption('busyPoll.microseconds', busyPoll?.microseconds ?? null, 0, 1, 1_000_000); // not optional
    integerOption('busyPoll.budget', busyPoll.budget, BUSY_POLL_BUDGET, 1, 65535);
  }
}

function subjectFor(options: XdpOptions): Subject {
  const place = { interface: options.interface, namespace: options.namespace };
  const queue = integerOption('queue', options.queue, 0, 0, 65535);
  const etherType = etherTypeOption(options.etherType);
  xdpAddon(); // says what to install before anything else is wrong
  const link = findLink(place);
  checkEthernetLink({ up: (link.flags & IFF_UP) !== 0, hardwareType: link.hardwareType }, place);
  const mtu = mtuOption(options.mtu, link.mtu, `the MTU of ${placeName(place)}`);
  const plan = layout({
    mtu,
    txFrames: framesOption('txFrames', options.txFrames, defaultFrames(mtu)),
    rxFrames: framesOption('rxFrames', options.rxFrames, defaultFrames(mtu)),
    burst: BURST,
  });
  checkFrameMemory(mtu, plan.bytes);
  return { ...place, queue, etherType, link, plan };
}

function findLink(place: { interface: string; namespace: string | undefined }): RawLinkFacts {
  try {
    const link = core()
      .listLinks(namespaceArgument(place.namespace))
      .find(({ name }) => name === place.interface);
    if (link !== undefined) return link;
  } catch (error) {
    throw ethernetOpenError(error, 'xdp', place);
  }
  throw noInterface(place);
}

/** One mode, with a socket of its own. Undefined, and the reason in `tried`, if only this mode is ruled out. */
function attempt(mode: XdpMode, subject: Subject, options: XdpOptions, tried: string[]): OpenSocket | undefined {
  const { plan, link, queue, etherType, namespace } = subject;
  const needWakeup = options.needWakeup ?? true;
  let socket: XdpSocket | undefined;
  try {
    socket = new (xdpAddon().XdpSocket)(namespaceArgument(namespace), link.index, queue);
    const { memory, hugePages } = mapMemory(socket, plan, options.hugePages ?? 'auto');
    const rings = mapRings(socket, plan, mode === 'native-zerocopy' || plan.jumbo || options.rxFrames !== undefined);
    if (options.busyPoll !== undefined) {
      socket.busyPoll(options.busyPoll.microseconds, options.busyPoll.budget ?? BUSY_POLL_BUDGET);
    }
    enterMode(socket, mode, needWakeup, subject);
    return { socket, memory, rings, plan, mode, link, options, queue, etherType, needWakeup, hugePages, notes: tried };
  } catch (error) {
    socket?.close();
    const reason = modeFailure(error, mode, subject);
    if (reason === undefined) throw xdpOpenError(error, subject);
    tried.push(`${mode}: ${reason}`);
    return undefined;
  }
}

function mapMemory(socket: XdpSocket, plan: Layout, hugePages: 'auto' | 'never' | 'require') {
  const map = (huge: boolean) => socket.memory(plan.bytes, plan.registered, plan.chunk, RX_HEADROOM, huge);
  if (hugePages !== 'never') {
    try {
      return { memory: map(true), hugePages: true };
    } catch (error) {
      // `mmap`: there are not enough. Another step: this process may not have them (a cgroup's limit, another NUMA node).
      if (!isSystemCallError(error)) throw error;
      if (hugePages === 'require') throw error.syscall === 'mmap' ? noHugePages(plan, error) : error;
    }
  }
  return { memory: map(false), hugePages: false };
}

function noHugePages(plan: Layout, cause: unknown): NicError {
  const pages = Math.ceil(plan.bytes / (2 << 20));
  return new NicError('ERR_EMP_NO_MEMORY', `There are no ${pages} free huge pages of 2 MiB.`, {
    remedy: `Make some: sysctl vm.nr_hugepages=${pages}; or leave hugePages at 'auto'.`,
    cause,
  });
}

/** Maps the rings and puts chunks into the fill ring: a zero-copy device takes from it as soon as it is bound. */
function mapRings(socket: XdpSocket, plan: Layout, whole: boolean): Rings {
  const [fillRing, completion, rx, tx] = socket.rings(plan.fill, plan.completion, plan.rx, plan.tx);
  const fill = new ProducerRing(fillRing, plan.fill);
  return {
    fill,
    completion: new ConsumerRing(completion, plan.completion),
    rx: new ConsumerRing(rx, plan.rx),
    tx: new ProducerRing(tx, plan.tx),
    round: new Round(fill, plan, whole),
  };
}
