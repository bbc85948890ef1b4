// Files of results: a list of objects, `results.json` of `emp bench`, or what `--json` printed, an object a line.
import { readFile } from 'node:fs/promises';

import { ArgumentError } from '../../src/index.js';
import { rawOf, runOf, type Raw, type Run } from './run.js';

export interface Results {
  runs: Run[];
  /** What was not measured, and why. */
  absent: string[];
}

export async function readFiles(files: readonly string[]): Promise<Results> {
  const all = await Promise.all(files.map(async (file) => readResults(await read(file), file)));
  return { runs: all.flatMap(({ runs }) => runs), absent: [...new Set(all.flatMap(({ absent }) => absent))] };
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new ArgumentError(`${file} cannot be read: ${(cause as Error).message}.`, {
      remedy: 'Name a file that emp bench wrote, or what its --json printed.',
      cause,
    });
  }
}

/** Results from the text of `file`, which is named in errors. */
export function readResults(text: string, file: string): Results {
  return resultsOf(parse(text, file), file);
}

/** Results from objects, such as those of a measurement that has just ended; `source` is named in errors. */
export function resultsOf(value: unknown, source: string): Results {
  const runs: Run[] = [];
  const absent = new Set<string>();
  let machine: Raw = {};
  const take = (item: unknown, place: string, common: Raw): void => {
    const raw = within(source, place, () => rawOf(item, place));
    const inner = Array.isArray(raw['results']) ? raw['results'] : Array.isArray(raw['rows']) ? raw['rows'] : undefined;
    for (const line of absentIn(raw)) absent.add(line);
    // What `--json` prints before the results of a test.
    if (raw['test'] === 'machine') machine = { machine: raw };
    else if (inner === undefined) runs.push(within(source, place, () => runOf({ ...machine, ...common, ...raw })));
    else inner.forEach((one, i) => take(one, `${place === '' ? '' : `${place}, `}result ${i + 1}`, shared(raw)));
  };
  if (Array.isArray(value)) value.forEach((one, i) => take(one, `result ${i + 1}`, {}));
  else take(value, '', {});
  return { runs, absent: [...absent] };
}

function within<T>(source: string, place: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const where = [source, place].filter((part) => part !== '').join(', ');
    throw new ArgumentError(`${where}: ${(cause as Error).message}.`, {
      remedy: 'The fields of a result are in docs/bench.md.',
      cause,
    });
  }
}

/** Of a file as a whole, and of each of its results. */
function shared({ machine, wire }: Raw): Raw {
  return { ...(machine === undefined ? {} : { machine }), ...(wire === undefined ? {} : { wire }) };
}

function absentIn({ failed, missing, skipped }: Raw): string[] {
  const entries = (value: unknown): Raw[] => (Array.isArray(value) ? (value as Raw[]) : []);
  return [
    ...[...entries(failed), ...entries(skipped)].map(
      ({ driver, test, reason }) => `${text(driver ?? test)}: ${text(reason)}`,
    ),
    ...entries(missing).map(({ peer, install }) => `${text(peer)} is not installed: ${text(install)}`),
  ];
}

const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value ?? null));

function parse(source: string, file: string): unknown {
  try {
    return JSON.parse(source);
  } catch (cause) {
    const lines = source.split('\n').map((line, i) => ({ line: line.trim(), at: i + 1 }));
    const filled = lines.filter(({ line }) => line !== '');
    // Lines of their own, unless one object was spread over many lines.
    if (filled.length < 2 || !filled[0].line.endsWith('}')) throw malformed(file, cause as Error);
    return filled.map(({ line, at }) => {
      try {
        return JSON.parse(line) as unknown;
      } catch (error) {
        throw malformed(`${file}, line ${at}`, error as Error);
      }
    });
  }
}

function malformed(where: string, cause: Error): ArgumentError {
  return new ArgumentError(`${where} is not JSON: ${cause.message.replace(/\.$/, '')}.`, {
    remedy: 'Expected a list of results, or one result a line, as emp bench --json prints them.',
    cause,
  });
}
