import type { NicState } from './contract.js';
import type { Poller } from './native.js';
import { core } from './native.js';
import { closedError } from './nicErrors.js';
import type { NicStateWatch, StateOfLink } from './nicState.js';
import { watchNicState } from './nicState.js';

/** What a driver over a descriptor hears from the event loop: that frames may be there, and the state of its interface. */
export class NicEvents {
  readonly #poller: Poller;
  readonly #link: NicStateWatch | undefined;
  readonly #onError: (() => void) | undefined;
  #closed = false;
  #wake: (() => void) | undefined = undefined;
  #soon: NodeJS.Immediate | undefined = undefined;
  readonly #onReady = (events: number): void => {
    if (events < 0) this.#onError?.();
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  };

  /**
   * @param index the interface, or undefined if there is none to watch: then it is always up
   * @param onError takes the socket's pending error, until when it polls as ready
   */
  constructor(
    fd: number,
    index: number | undefined,
    namespace: string | undefined,
    onState: (state: StateOfLink) => void,
    onError?: () => void,
  ) {
    const { Poller } = core();
    this.#link = index === undefined ? undefined : watchNicState(index, namespace, onState);
    try {
      this.#poller = new Poller(fd);
    } catch (error) {
      this.#link?.stop();
      throw error;
    }
    this.#onError = onError;
  }

  get state(): NicState {
    return this.#closed ? 'closed' : (this.#link?.state ?? 'up');
  }

  /** @param now there are frames that the kernel does not know of any more */
  watch(wake: () => void, now = false): void {
    if (this.#closed) throw closedError();
    this.#wake = wake;
    clearImmediate(this.#soon);
    if (!now) this.#poller.start(this.#onReady);
    else {
      this.#poller.stop();
      this.#soon = setImmediate(this.#onReady, 0);
    }
  }

  unwatch(): void {
    this.#wake = undefined;
    clearImmediate(this.#soon);
    if (!this.#closed) this.#poller.stop();
  }

  /** Before the descriptor is closed. */
  close(): void {
    if (this.#closed) return;
    this.unwatch();
    this.#closed = true;
    this.#link?.stop();
    this.#poller.close();
  }
}
