import { NicError } from '../errors.js';
import { ResetReason } from '../wire/control.js';
import type { ChannelCore } from './core.js';

/** Slots at most: the low bits of a channel's id. */
const SLOT_BITS = 14;
const SLOT_MASK = (1 << SLOT_BITS) - 1;

/**
 * Channels by id. An id is a slot and random bits above it, so that a frame of a channel that is gone does not find the
 * one that took its slot. Slots are used in turn, the one freed longest ago first.
 */
export class ChannelTable {
  readonly #slots: (ChannelCore | undefined)[] = [];
  readonly #free: number[] = [];
  /** By slot: the id of the last channel there, and what is still to be said to its peer. */
  readonly #ended: number[] = [];
  readonly #farewells: number[] = [];
  readonly #random: () => number;
  count = 0;

  /** @param random 32 random bits, as an integer */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** An id for a new channel, never 0. */
  allocate(): number {
    const fresh = this.#slots.length <= SLOT_MASK && (this.#slots.length < 16 || this.#free.length === 0);
    const slot = fresh ? this.#slots.push(undefined) - 1 : this.#free.shift();
    if (slot === undefined) {
      throw new NicError('ERR_EMP_NO_MEMORY', `This host has ${SLOT_MASK + 1} channels, which is the most it takes.`, {
        remedy: 'Close channels, or open another host on another queue or interface.',
      });
    }
    for (;;) {
      const id = (this.#random() & ~SLOT_MASK) | slot;
      if ((id & ~SLOT_MASK) !== 0) return id;
    }
  }

  set(channel: ChannelCore): void {
    this.#slots[channel.slot] = channel;
    this.count++;
  }

  /** The channel with this very id. */
  find(id: number): ChannelCore | undefined {
    const channel = this.#slots[id & SLOT_MASK];
    return channel !== undefined && channel.link.localId === id ? channel : undefined;
  }

  at(slot: number): ChannelCore | undefined {
    return this.#slots[slot];
  }

  delete(channel: ChannelCore): void {
    this.#slots[channel.slot] = undefined;
    this.#free.push(channel.slot);
    this.count--;
    this.#ended[channel.slot] = channel.link.localId;
    this.#farewells[channel.slot] = channel.farewell;
  }

  /** How a channel that is no more has ended, as a `ResetReason`; it may be forgotten. */
  farewell(id: number): number {
    return this.#ended[id & SLOT_MASK] === id ? this.#farewells[id & SLOT_MASK] : ResetReason.unknownChannel;
  }

  all(): ChannelCore[] {
    return this.#slots.filter((channel) => channel !== undefined);
  }

  static slotOf(id: number): number {
    return id & SLOT_MASK;
  }
}
