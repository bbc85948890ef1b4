// HTML as strings. Whatever comes from a result passes through `escape`.

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ENTITIES[char]);
}

export interface Table {
  columns: readonly string[];
  /** Cells are text, or HTML. */
  rows: readonly (readonly (string | { html: string })[])[];
}

/** On a phone a row becomes a card: each cell then shows the name of its column. */
export function table({ columns, rows }: Table, className: string): string {
  const head = columns.map((name) => `<th scope="col">${escape(name)}</th>`).join('');
  const body = rows.map(
    (cells) =>
      `<tr>${cells
        .map((cell, i) => {
          const html = typeof cell === 'string' ? escape(cell) : cell.html && `<span>${cell.html}</span>`;
          return `<td data-label="${escape(columns[i])}">${html}</td>`;
        })
        .join('')}</tr>`,
  );
  return `<table class="${className}"><thead><tr>${head}</tr></thead><tbody>\n${body.join('\n')}\n</tbody></table>`;
}

/** JSON that cannot end the element it is in. */
export function embedded(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll('<', '\\u003c')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
}
