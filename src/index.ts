// Projects with an older `lib` than ES2024 get AsyncDisposable (`await using`) from here.
/// <reference lib="esnext.disposable" preserve="true" />
/**
 * Ethernet Message Passing: reliable, ordered messages between machines, over NIC rings mapped into the process.
 *
 * @packageDocumentation
 */
export { Host } from './host/host.js';
export type { ConnectOptions, ConnectSignal, HostChannelOptions, HostCounters, HostOptions } from './host/host.js';
export { Channel } from './host/channel.js';
export type { CloseInfo } from './host/channel.js';
export type { Message, FragmentHandler, MessageHandler } from './host/inbox.js';
export { Listener } from './host/listener.js';
export type { ConnectionRequest, ListenOptions } from './host/listener.js';
export type { WaitStrategy } from './host/loop.js';
export { LoopCounter } from './host/loopCounters.js';
export { collectMetrics } from './host/stat/metrics.js';
export type { MetricsOptions } from './host/stat/metrics.js';
export type { Delay, Faults, Likely } from './fault/faults.js';
export type { FaultCounts } from './fault/model.js';
export type { TimeBucket } from './arq/histogram.js';
export { preferLatency } from './host/latency.js';
export { PathCounter } from './path/counters.js';
export type { PathEvent, PathInfo, PathReason } from './path/events.js';
export type { PathOptions, PathPolicy } from './path/options.js';
export { ChannelCounter, EngineCounter } from './channel/counters.js';
export type { ChannelOptions, ResendInfo } from './channel/options.js';
export { openNic } from './nic/open.js';
export { NO_FRAME, NicCounter } from './nic/contract.js';
export type {
  DriverName,
  EthernetOptions,
  Frame,
  LinkAddress,
  MemoryOptions,
  Nic,
  NicInfo,
  NicOptions,
  NicState,
  PacketOptions,
  PeerIndex,
  RxBurst,
  UdpOptions,
  XdpOptions,
} from './nic/contract.js';
export { AbortError, ArgumentError, ChannelError, EmpError, NicError } from './errors.js';
export type { CloseReason, EmpErrorCode, EmpErrorOptions } from './errors.js';
