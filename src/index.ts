/**
 * Ethernet Message Passing: reliable, ordered messages between machines, over NIC rings mapped into the process.
 *
 * @packageDocumentation
 */
export { Host } from './host/host.js';
export type { ConnectOptions, HostChannelOptions, HostCounters, HostOptions } from './host/host.js';
export { Channel } from './host/channel.js';
export type { CloseInfo } from './host/channel.js';
export type { Message, MessageHandler } from './host/inbox.js';
export { Listener } from './host/listener.js';
export type { ConnectionRequest, ListenOptions } from './host/listener.js';
export type { WaitStrategy } from './host/loop.js';
export { preferLatency } from './host/latency.js';
export { ChannelCounter, EngineCounter } from './channel/counters.js';
export type { ChannelOptions, ResendInfo } from './channel/options.js';
export type { CloseReason } from './channel/reasons.js';
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
export { ArgumentError, ChannelError, EmpError, NicError } from './errors.js';
export type { EmpErrorCode, EmpErrorOptions } from './errors.js';
