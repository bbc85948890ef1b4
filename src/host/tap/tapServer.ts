/**
 * Lets another process see the frames of a host, as a stream of pcapng. AF_XDP frames pass below tcpdump; this is the place
 * where all of them can be seen. A host that nobody watches pays one comparison per frame; one that is watched never waits
 * for who watches: what a slow reader has no room for is dropped, and counted in the stream.
 */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';

import { NicError } from '../../errors.js';
import type { LinkAddress, NicInfo } from '../../nic/contract.js';
import { packetBlockBytes, prologue, writePacket, type DirectionNumber } from '../../wire/pcapng.js';
import { claimTapDirectory, tapSockets } from './directory.js';
import { encapsulationOf, type Encapsulation } from './linkHeader.js';

/**
 * Called with every frame: after `nic.send` took it, and when it was received. `time`: microseconds of the host's clock.
 * `peer`: whom it goes to or comes from.
 */
export type TapSink = (
  direction: DirectionNumber,
  bytes: Uint8Array,
  frame: number,
  length: number,
  time: number,
  peer: LinkAddress,
) => void;

export interface TapServerOptions {
  info: NicInfo;
  /** The host's clock, microseconds. */
  clock: () => number;
  /** Gives the host the sink when somebody begins to watch, and undefined when nobody does any more. */
  onSink: (sink: TapSink | undefined) => void;
}

/** `EMP_TAP=1` opens every host of a process for capture. */
export function tapWanted(): boolean {
  const value = process.env['EMP_TAP'] ?? '';
  return value !== '' && value !== '0';
}

let opened = 0;

export class TapServer {
  readonly path: string;
  readonly #options: TapServerOptions;
  readonly #server: Server;
  readonly #watchers = new Set<Watcher>();
  readonly #removeSocket = (): void => rmSync(this.path, { force: true });

  static open(options: TapServerOptions): Promise<TapServer> {
    opened += 1;
    const path = join(claimTapDirectory(), `${process.pid}-${opened}.sock`);
    tapSockets(); // removes those of killed processes
    rmSync(path, { force: true }); // and of one that had our number
    return new Promise((resolve, reject) => {
      const server = createServer();
      server.once('error', (cause) => {
        reject(new NicError('ERR_EMP_NIC_FAILED', `The tap ${path} could not be opened: ${cause.message}.`, { cause }));
      });
      server.listen(path, () => resolve(new TapServer(path, server, options)));
    });
  }

  private constructor(path: string, server: Server, options: TapServerOptions) {
    this.path = path;
    this.#server = server;
    this.#options = options;
    chmodSync(path, 0o600);
    server.unref(); // watching keeps no host alive
    server.on('connection', (socket) => this.#attach(socket));
    process.on('exit', this.#removeSocket);
  }

  /** Ends what watches after it has got all. Idempotent. */
  close(): void {
    for (const watcher of [...this.#watchers]) watcher.end();
    this.#server.close(); // removes the socket too
    process.removeListener('exit', this.#removeSocket);
  }

  #attach(socket: Socket): void {
    socket.unref();
    const watcher = new Watcher(socket, this.#options.info, this.#options.clock());
    this.#watchers.add(watcher);
    socket.on('error', () => undefined); // a reader that left
    socket.on('close', () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size === 0) this.#options.onSink(undefined);
    });
    socket.resume(); // it has nothing to say; its end is to be noticed
    this.#options.onSink(this.#sink);
  }

  readonly #sink: TapSink = (direction, bytes, frame, length, time, peer) => {
    for (const watcher of this.#watchers) watcher.frame(direction, bytes, frame, length, time, peer);
  };
}

/** Holds the longest frame there is. */
const CHUNK_BYTES = 128 * 1024;
/** What may wait for a reader; the rest is dropped. */
const LIMIT_BYTES = 8 * 1024 * 1024;

/** One reader: gathers blocks in chunks, one write per chunk, at the latest at the end of the turn. */
class Watcher {
  readonly #socket: Socket;
  readonly #encapsulation: Encapsulation;
  /** The host's time at the second that the stream counts from. */
  readonly #zero: number;
  #chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  #view = new DataView(this.#chunk.buffer);
  #filled = 0;
  #scheduled = false;
  #dropped = 0;

  constructor(socket: Socket, info: NicInfo, now: number) {
    const epoch = Date.now();
    const second = Math.floor(epoch / 1000) - 1; // frames may be a little older than this moment
    this.#socket = socket;
    this.#encapsulation = encapsulationOf(info);
    this.#zero = now - (epoch - second * 1000) * 1000;
    const { driver, mode, address, mtu, queue } = info;
    const { linkType, headerBytes } = this.#encapsulation;
    const captured = {
      linkType,
      name: info.interface ?? driver,
      description: `${driver}, ${mode}, ${address}${queue === undefined ? '' : `, queue ${queue}`}`,
      longest: mtu + headerBytes,
      second,
    };
    socket.write(prologue(`emp, process ${process.pid}`, captured));
  }

  frame(
    direction: DirectionNumber,
    bytes: Uint8Array,
    frame: number,
    length: number,
    time: number,
    peer: LinkAddress,
  ): void {
    const block = packetBlockBytes(this.#encapsulation.headerBytes + length);
    if (this.#filled + block > CHUNK_BYTES) this.#flush();
    if (this.#socket.writableLength > LIMIT_BYTES) {
      this.#dropped += 1;
      return;
    }
    const header = this.#encapsulation.header(direction, bytes, frame, length, peer);
    const nanoseconds = Math.max(0, Math.round((time - this.#zero) * 1000));
    this.#filled = writePacket(
      this.#chunk,
      this.#view,
      this.#filled,
      nanoseconds,
      direction,
      this.#dropped,
      header,
      bytes,
      frame,
      length,
    );
    this.#dropped = 0;
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#onImmediate);
  }

  end(): void {
    this.#flush();
    this.#socket.end();
  }

  readonly #onImmediate = (): void => {
    this.#scheduled = false;
    this.#flush();
  };

  #flush(): void {
    if (this.#filled === 0 || this.#socket.destroyed) return;
    // The socket keeps what it could not pass on at once, so it gets this chunk, and the next blocks a new one.
    this.#socket.write(this.#chunk.subarray(0, this.#filled));
    this.#chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    this.#view = new DataView(this.#chunk.buffer);
    this.#filled = 0;
  }
}
