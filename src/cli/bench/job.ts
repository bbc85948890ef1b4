// A measurement that was asked for, and where its results go.
import { resolve } from 'node:path';

import { csvHeader, csvLine } from '../../../bench/csv.js';
import { describeMachine } from '../../../bench/machine.js';
import { RawFile } from '../../../bench/raw.js';
import { checkPlace } from '../../../bench/report/place.js';
import { ArgumentError, EmpError } from '../../errors.js';
import { note, print, printJson } from '../output.js';
import { interruptible, type Bar } from './bar.js';

/** Text, unless one of them is asked for; the page is made besides. */
export interface Format {
  json?: boolean;
  csv?: boolean;
  /** Where the page goes. */
  html?: string;
}

export interface Place {
  readonly signal: AbortSignal;
  readonly bar: Bar | undefined;
  readonly out: Output;
}

/** Its options are checked: it can be carried out, now or later. */
export interface Job {
  readonly test: string;
  /** File for all samples. */
  readonly raw: string | undefined;
  /** Where it was asked for, if not on the command line. */
  readonly asked?: string;
  measure(place: Place): Promise<void>;
}

interface Measured {
  readonly result: { readonly driver: string; readonly size: number };
  readonly samples: Float64Array;
  readonly baselineSamples: Float64Array | undefined;
}

/** Where the results of one job go. */
export class Output {
  constructor(
    private readonly format: Format,
    private readonly raw: RawFile | undefined,
    private readonly kept: object[],
  ) {}

  /** A point has been measured; `text` is made for people. */
  result(measured: Measured, text?: () => string): void {
    const { result, ...samples } = measured;
    if (this.format.json === true) printJson(result);
    else if (this.format.csv === true) print(csvLine(result));
    else if (text !== undefined) print(text());
    this.kept.push(result);
    this.raw?.add({ ...result, ...samples });
  }

  /** For people; who asks for JSON or CSV does not get it. */
  text(make: () => string): void {
    if (!this.#forMachines) print(make());
  }

  /** What a reader has to know beside the results. */
  remarks(lines: readonly string[]): void {
    for (const line of lines) {
      if (this.#forMachines) note(`emp: ${line}`);
      else print(line);
    }
  }

  get #forMachines(): boolean {
    return this.format.json === true || this.format.csv === true;
  }
}

/** All of them in their order, until one fails. */
export async function carryOut(jobs: readonly Job[], format: Format): Promise<void> {
  const { html } = format;
  if (html !== undefined) {
    checkApart(jobs, html);
    checkPlace('--html', html);
  }
  using files = openFiles(jobs);
  if (format.csv === true) print(csvHeader());
  // A ping-pong has the machine in each result.
  if (format.json === true && jobs.some(({ test }) => test !== 'pingpong')) {
    printJson({ test: 'machine', ...describeMachine() });
  }
  const kept: object[] = [];
  await interruptible(async (signal, bar) => {
    for (const job of jobs) {
      const out = new Output(format, files.of(job), kept);
      try {
        await job.measure({ signal, bar, out });
      } catch (error) {
        throw located(error, job);
      } finally {
        bar?.stop();
      }
    }
  });
  if (html !== undefined) await writePage(kept, html);
}

/** The page would take the place of the samples. */
function checkApart(jobs: readonly Job[], html: string): void {
  if (!jobs.some(({ raw }) => raw !== undefined && resolve(raw) === resolve(html))) return;
  throw new ArgumentError(`--raw and --html both name '${html}'.`, { remedy: 'Give each a file of its own.' });
}

/** Also of what was measured before an interruption. */
async function writePage(results: object[], html: string): Promise<void> {
  // The plotting library is loaded by whoever plots, not by every command.
  const { resultsOf } = await import('../../../bench/report/read.js');
  const { writeReport } = await import('../../../bench/report/write.js');
  await writeReport(resultsOf({ machine: describeMachine(), results }, 'the results'), html);
}

function openFiles(jobs: readonly Job[]): Disposable & { of: (job: Job) => RawFile | undefined } {
  const files = new Map<Job, RawFile>();
  const close = (): void => files.forEach((file) => file[Symbol.dispose]());
  try {
    for (const job of jobs) if (job.raw !== undefined) files.set(job, RawFile.open(job.raw));
  } catch (error) {
    close();
    throw error;
  }
  return { of: (job) => files.get(job), [Symbol.dispose]: close };
}

/** An error that says where its job was asked for. */
function located(error: unknown, { asked }: Job): unknown {
  return asked === undefined || !(error instanceof EmpError) ? error : at(asked, error);
}

/** The same error, with the place before its message. */
export function at(place: string, error: EmpError): EmpError {
  const { code, remedy, message } = error;
  // The message of an EmpError ends with its remedy.
  const said = remedy === undefined ? message : message.slice(0, -remedy.length).trimEnd();
  return new EmpError(code, `${place}: ${said}`, { cause: error, ...(remedy === undefined ? {} : { remedy }) });
}
