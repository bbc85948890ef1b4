import { ArgumentError, describe } from '../errors.js';

/** Checks of what applications pass. Each error says what was passed and what is expected. */

/** The names of options, all of them: the compiler finds one that is missing. */
export type Names<Options> = Readonly<Record<keyof Options, true>>;

/** Options are an object with known names: a misspelt option must not be ignored. */
export function checkOptions(call: string, options: unknown, names: Readonly<Record<string, true>>): void {
  const known = `Its options are: ${Object.keys(names).join(', ')}.`;
  if (typeof options !== 'object' || options === null) {
    throw new ArgumentError(`The options of ${call} are ${describe(options)}; expected an object.`, { remedy: known });
  }
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(names, name)) throw new ArgumentError(`${call} has no option '${name}'.`, { remedy: known });
  }
}

/** A function, or undefined. */
export function checkFunction(name: string, value: unknown, signature: string): void {
  if (value === undefined || typeof value === 'function') return;
  throw new ArgumentError(`${name} is ${describe(value)}; expected a function.`, { remedy: `Pass ${signature}.` });
}

/** A boolean, or undefined. */
export function checkBoolean(name: string, value: unknown): void {
  if (value === undefined || typeof value === 'boolean') return;
  throw new ArgumentError(`${name} is ${describe(value)}; expected true or false.`, { remedy: 'Pass true or false.' });
}

export function checkMessage(bytes: Uint8Array, type: number): void {
  if (!(bytes instanceof Uint8Array)) {
    throw new ArgumentError(`A message is a Uint8Array or Buffer, not ${describe(bytes)}.`);
  }
  checkType(type);
}

export function checkType(type: number): void {
  if (type !== (type & 0xffff)) {
    throw new ArgumentError(`The message type is ${describe(type)}; it must be an integer from 0 to 65535.`);
  }
}
