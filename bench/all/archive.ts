// What was measured so far, kept as it comes: whatever ends the report, its results are on the disk.
import { renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { describeMachine, type Machine } from '../machine.js';
import { checkPlace, makeFolder } from '../report/place.js';
import type { Failed } from './part.js';
import type { PartName } from './plan.js';

/** How one part went. */
export interface PartRecord {
  test: PartName;
  budget_s: number;
  elapsed_s: number;
  results: number;
  /** `budget`: it was ended after its time. */
  ended: 'done' | 'budget' | 'interrupted';
}

export interface Kept {
  machine: Machine;
  elapsed_s: number;
  parts: PartRecord[];
  results: object[];
  failed: Failed[];
}

export class Archive {
  readonly kept: Kept = { machine: describeMachine(), elapsed_s: 0, parts: [], results: [], failed: [] };
  readonly #began = performance.now();

  constructor(
    readonly file: string,
    html: string,
  ) {
    checkPlace('--out', file, () => makeFolder(dirname(file)));
    checkPlace('--html', html);
  }

  get elapsed(): number {
    return (performance.now() - this.#began) / 1000;
  }

  take(result: object): void {
    const { results } = this.kept;
    // One that grows is told again and again.
    if (!results.includes(result)) results.push(result);
    this.save();
  }

  /** Never half a file: the new one takes the place of the old one when it is whole. */
  save(): void {
    this.kept.elapsed_s = Math.round(this.elapsed * 10) / 10;
    const made = join(dirname(this.file), '.results.json');
    writeFileSync(made, `${JSON.stringify(this.kept, null, 1)}\n`);
    renameSync(made, this.file);
  }
}
