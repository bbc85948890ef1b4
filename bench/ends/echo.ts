import type { Channel } from '../../src/index.js';

/** Up to here a loop beats the call of copyWithin. */
const SHORT = 64;

interface Waiting {
  bytes: Uint8Array;
  type: number;
}

/** Sends back what comes over `channel`, from frame to frame. What finds no room waits, and the peer is held back meanwhile. */
export function echo(channel: Channel): void {
  const memory = channel.bytes;
  const waiting: Waiting[] = [];
  const onMessage = (bytes: Uint8Array, offset: number, length: number, type: number): void => {
    if (waiting.length === 0 && answer(bytes, offset, length, type)) return;
    waiting.push({ bytes: bytes.slice(offset, offset + length), type });
    channel.onMessage = undefined;
  };
  const answer = (bytes: Uint8Array, offset: number, length: number, type: number): boolean => {
    // A long message is read while the window opens, after this call: that needs a copy.
    if (bytes !== memory || length > channel.maxFrameMessage) {
      return channel.send(bytes.slice(offset, offset + length), type);
    }
    const at = channel.reserve(length);
    if (at < 0) return false;
    copy(memory, at, offset, length);
    channel.commit(length, type);
    return true;
  };
  channel.onWritable = () => {
    while (waiting.length > 0) {
      if (!channel.writable || !channel.send(waiting[0].bytes, waiting[0].type)) return;
      waiting.shift();
    }
    channel.onMessage ??= onMessage;
  };
  channel.onMessage = onMessage;
}

function copy(memory: Uint8Array, to: number, from: number, length: number): void {
  if (length > SHORT) memory.copyWithin(to, from, from + length);
  else for (let i = 0; i < length; i += 1) memory[to + i] = memory[from + i];
}
