// What the commands print, and with which exit code they end.
import { CommanderError } from 'commander';

import { EmpError, type EmpErrorCode } from '../errors.js';

export const Exit = {
  ok: 0,
  failed: 1,
  usage: 2,
  /** This machine cannot: a permission, a package or a feature of the kernel is missing. */
  cannot: 3,
  interrupted: 130,
} as const;

const CANNOT: readonly EmpErrorCode[] = [
  'ERR_EMP_ADDON_MISSING',
  'ERR_EMP_LIBRARY_MISSING',
  'ERR_EMP_KERNEL_FEATURE',
  'ERR_EMP_PERMISSION',
  'ERR_EMP_MEMLOCK',
  'ERR_EMP_TOOL_MISSING',
  'ERR_EMP_XDP_MODE',
];

export function print(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value));
}

/** For people at a terminal, beside the result. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Columns as wide as their widest cell; the last is not padded. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Prints an error as its command should and returns the exit code. Only what nobody expected shows a stack. */
export function report(error: unknown, json: boolean): number {
  const { code, message, remedy, exit } = describe(error);
  if (message === '') return exit; // help was asked for, and printed
  if (json) printJson({ error: { code, message, ...(remedy === undefined ? {} : { remedy }) } });
  else note(`emp: ${message}${remedy === undefined ? '' : `\n  ${remedy}`}`);
  return exit;
}

interface Description {
  code: string;
  message: string;
  remedy?: string | undefined;
  exit: number;
}

function describe(error: unknown): Description {
  if (error instanceof CommanderError) return describeUsage(error);
  if (error instanceof EmpError) {
    const { code, remedy } = error;
    const exit = code === 'ERR_EMP_ARGUMENT' ? Exit.usage : CANNOT.includes(code) ? Exit.cannot : Exit.failed;
    // The message of an EmpError ends with its remedy.
    const message = remedy === undefined ? error.message : error.message.slice(0, -remedy.length).trimEnd();
    return { code, message, remedy, exit };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: 'ERR_EMP_UNEXPECTED', message: `unexpected error: ${message}`, exit: Exit.failed };
}

function describeUsage(error: CommanderError): Description {
  if (error.exitCode === 0) return { code: '', message: '', exit: Exit.ok };
  // `emp` alone shows the help, and is no success; asked for, the help is.
  if (error.code === 'commander.help') return { code: '', message: '', exit: Exit.usage };
  const message = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  return { code: 'ERR_EMP_ARGUMENT', message, remedy: 'See --help of the command.', exit: Exit.usage };
}
