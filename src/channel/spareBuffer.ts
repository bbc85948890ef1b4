/**
 * The buffer in which the last long message was put together, for the next one: fresh memory costs a page fault for every 4 KiB, more
 * than the copy itself. One for all channels of a NIC, because a handler has done with it when it returns. It is let go when no long
 * message has come for a while. (Not held weakly: a host that spins stays in one job, and all that weak references are made to in a job
 * stays until its end.)
 */
export class SpareBuffer {
  #spare: Uint8Array | undefined = undefined;
  #wanted = false;

  /** The spare one, whatever its length, or undefined: it is nobody else's until it is given back. */
  take(): Uint8Array | undefined {
    const buffer = this.#spare;
    this.#spare = undefined;
    this.#wanted = true;
    return buffer;
  }

  /** Of two the longer is kept. */
  give(buffer: Uint8Array): void {
    if (this.#spare === undefined || this.#spare.length < buffer.length) this.#spare = buffer;
  }

  /** Called now and then: nobody has wanted it since the last time. */
  age(): void {
    if (!this.#wanted) this.clear();
    this.#wanted = false;
  }

  clear(): void {
    this.#spare = undefined;
  }
}
