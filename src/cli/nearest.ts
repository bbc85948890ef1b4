/** The one of `words` that `text` was most likely meant to be; undefined if it resembles none. */
export function nearest(text: string, words: readonly string[]): string | undefined {
  const [best] = words
    .map((word) => ({ word, distance: distance(text.toLowerCase(), word) }))
    .filter((one) => one.distance <= Math.max(1, Math.floor(one.word.length / 3)))
    .sort((a, b) => a.distance - b.distance);
  return best?.word;
}

/** Levenshtein: letters to insert, remove or replace. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const above = row;
    row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      row.push(Math.min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
  }
  return row[b.length];
}
