import type { Peer } from './contract.js';
import { fiPingpong } from './fiPingpong.js';
import { iperf3 } from './iperf3.js';
import { nodeDgram, nodeNet } from './node.js';
import { openmpi } from './openmpi.js';
import { qperf } from './qperf.js';
import { sockperf } from './sockperf.js';
import { ucxPerftest } from './ucx.js';
import { zeromq } from './zeromq.js';

/** Every peer there is; most are not installed everywhere. */
export const PEERS: readonly Peer[] = [
  sockperf,
  fiPingpong,
  ucxPerftest,
  iperf3,
  openmpi,
  qperf,
  nodeDgram,
  nodeNet,
  zeromq,
];
