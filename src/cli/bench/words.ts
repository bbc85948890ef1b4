import { ArgumentError } from '../../errors.js';

/** A word: parts that are plain, or between quotation marks of either kind. Then what follows it: blanks, the end. */
const WORD = /((?:[^\s"'#]|(?<=[^\s])#|"[^"]*"|'[^']*')+)(?=\s|$)/y;

/** The words of a line, as a shell takes them, without its escapes; from a # at the beginning of a word on, it is a comment. */
export function words(line: string): string[] {
  const found: string[] = [];
  for (let at = 0; ;) {
    while (/\s/.test(line[at] ?? '')) at += 1;
    if (at === line.length || line[at] === '#') return found;
    WORD.lastIndex = at;
    const [word] = WORD.exec(line) ?? [];
    if (word === undefined) {
      throw new ArgumentError('A quotation mark is not closed.', { remedy: 'Close it, or use the other kind.' });
    }
    found.push(word.replace(/"([^"]*)"|'([^']*)'/g, (_, double?: string, single?: string) => double ?? single ?? ''));
    at += word.length;
  }
}
