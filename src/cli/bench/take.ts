import type { Job } from './job.js';
import type { OutputFlags } from './options.js';

/** What becomes of a test that was asked for: it is carried out, or (a line of a batch) kept for later. */
export type Take = (job: Job, flags: OutputFlags) => void | Promise<void>;
