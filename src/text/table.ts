/**
 * Plain-text tables for `console.log`, and numbers written short. Nothing here knows about models.
 */

/** The symbol under which Node's `util.inspect` and `console.log` look for an object's own text. */
export const inspectSymbol: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never

/** A number with about five significant digits: `1234.5`, `2.5e-7`, `12`. */
export function short(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return String(value)
  if (!Number.isFinite(value)) return String(value)
  const size = Math.abs(value)
  if (size >= 1e-3 && size < 1e7) return String(Number(value.toPrecision(5)))
  return value.toExponential(3).replace('e+', 'e')
}

/** A number with its thousands set apart: `12 345`. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ' ')
}

/** A word with its number: `1 row`, `2 rows`. */
export function counted(count: number, word: string): string {
  return `${grouped(count)} ${word}${count === 1 ? '' : 's'}`
}

/** Text cut to `width` characters, with an ellipsis where something is missing. */
export function cut(text: string, width: number): string {
  const characters = [...text]
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join('')}…`
}

/**
 * Rows as aligned lines, two spaces between columns and before the first.
 *
 * @param rows Cells; numbers are right-aligned and written short.
 * @param header Titles of the columns, if any.
 */
export function table(rows: readonly (readonly (string | number)[])[], header?: readonly string[]): string {
  const text = rows.map(row => row.map(cell => (typeof cell === 'number' ? short(cell) : cell)))
  const all = header === undefined ? text : [[...header], ...text]
  const width = (column: number) => Math.max(0, ...all.map(row => [...(row[column] ?? '')].length))
  const widths = Array.from({ length: Math.max(0, ...all.map(row => row.length)) }, (_, i) => width(i))
  const numeric = widths.map((_, column) => rows.some(row => typeof row[column] === 'number'))
  const pad = (cell: string, column: number) => {
    const fill = ' '.repeat(widths[column]! - [...cell].length)
    return numeric[column] ? fill + cell : cell + fill
  }
  return all.map(row => `  ${row.map(pad).join('  ')}`.trimEnd()).join('\n')
}

/** A title over a list of named values. */
export function card(title: string, values: readonly (readonly [name: string, value: string])[]): string {
  return `${title}\n${table(values)}`
}
