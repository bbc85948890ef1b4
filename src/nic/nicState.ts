import { statSync } from 'node:fs';

import type { NicState } from './contract.js';
import { running } from './linkState.js';
import type { LinkEvent, LinkState } from './linkState.js';
import { LinkTable } from './linkTable.js';

export type StateOfLink = Exclude<NicState, 'closed'>;

/** A driver's eye on its interface. */
export interface NicStateWatch {
  readonly state: StateOfLink;
  stop(): void;
}

/** One netlink socket for all watches of a namespace; it goes with the last of them. */
class SharedTable {
  readonly watches = new Set<Watch>();
  readonly table: LinkTable;

  constructor(
    readonly key: string,
    namespace: string | undefined,
  ) {
    this.table = new LinkTable(namespace, true, (event) => this.#tell(event));
  }

  #tell(event: LinkEvent): void {
    for (const watch of this.watches) if (watch.index === event.link.index) watch.update(event);
  }
}

const shared = new Map<string, SharedTable>();

class Watch implements NicStateWatch {
  state: StateOfLink;

  constructor(
    readonly owner: SharedTable,
    readonly index: number,
    readonly listener: (state: StateOfLink) => void,
  ) {
    this.state = stateOf(owner.table.get(index));
    owner.watches.add(this);
  }

  update(event: LinkEvent): void {
    const state = event.type === 'removed' ? 'removed' : stateOf(event.link);
    if (state === this.state || this.state === 'removed') return;
    this.state = state;
    // In a microtask of its own: a listener that throws does not cost the others their event.
    queueMicrotask(() => {
      if (this.owner.watches.has(this)) this.listener(state);
    });
  }

  stop(): void {
    const { owner } = this;
    owner.watches.delete(this);
    if (owner.watches.size > 0) return;
    owner.table.close();
    if (shared.get(owner.key) === owner) shared.delete(owner.key);
  }
}

/** Calls `listener`, from the event loop, when the state changes. Does not keep the process alive. */
export function watchNicState(
  index: number,
  namespace: string | undefined,
  listener: (state: StateOfLink) => void,
): NicStateWatch {
  const key = keyOf(namespace);
  let owner = shared.get(key);
  if (owner === undefined) {
    owner = new SharedTable(key, namespace);
    shared.set(key, owner);
  }
  return new Watch(owner, index, listener);
}

function stateOf(link: LinkState | undefined): StateOfLink {
  if (link === undefined) return 'removed';
  return running(link) ? 'up' : 'down';
}

/** By inode, not by name: a namespace deleted and made anew under its old name is another one. */
function keyOf(namespace: string | undefined): string {
  if (namespace === undefined) return '';
  return `${namespace}@${statSync(`/run/netns/${namespace}`, { throwIfNoEntry: false })?.ino ?? 0}`;
}
