/**
 * Errors about formulas: where in the text it goes wrong, and what to write instead.
 */

import { KanError } from '../errors.js'
import { suggestion } from '../text/suggest.js'

/** Characters of a long text that are shown on each side of the place where it goes wrong. */
const around = 30

/** The text about a column, counted from 1, and a sign below the place. */
function excerpt(text: string, column: number): string {
  const characters = [...text.replace(/\s/g, ' ')]
  const at = Math.min(column - 1, characters.length)
  const start = at > around ? at - around : 0
  const before = `${start > 0 ? '…' : ''}${characters.slice(start, at).join('')}`
  const after = characters.slice(at, at + around)
  const shown = `${before}${after.join('')}${at + around < characters.length ? '…' : ''}`
  return `  ${shown}\n  ${' '.repeat([...before].length)}^`
}

function hintOf(details: KanError['details']): string | undefined {
  const { kind, known, found } = details
  const names = Array.isArray(known) ? known.map(String) : []
  if (names.length > 0) return suggestion(String(found), names)
  if (kind === 'syntax')
    return 'Write products with a sign, 2*x, and powers as x^2; names with spaces between backticks.'
  return undefined
}

/** The error of native code about a formula, with the place in the text and a hint. Other errors stay as they are. */
export function explained(error: unknown, text?: string): unknown {
  if (!(error instanceof KanError) || error.code !== 'ERR_KAN_FORMULA') return error
  const { column } = error.details
  const place = text !== undefined && typeof column === 'number' ? `\n${excerpt(text, column)}` : ''
  return new KanError({
    code: error.code,
    message: `${error.message}${place}`,
    hint: hintOf(error.details),
    details: text === undefined ? error.details : { ...error.details, text },
  })
}
