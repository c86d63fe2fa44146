/**
 * Text among numbers: a column of numbers in which a cell is no number is a mistake in the data far more often than a
 * column of categories, so that it is refused rather than guessed at.
 */

import { KanError } from '../errors.js'
import type { SourceTable, TextCells } from './columns.js'
import { isNumeral } from './encoding.js'

const decimalComma = /^[+-]?\d+,\d+$/
const percentage = /^[+-]?\d+([.,]\d+)?\s*%$/

/** A text that keeps a column from being numbers. */
export interface Stray {
  /** Its place in the list. */
  index: number
  text: string
  /** How many of the texts stand for numbers, and of how many that are not missing. */
  numbers: number
  present: number
  /** How such texts are written, if they stand for numbers themselves. */
  style: 'comma' | 'percent' | undefined
}

/**
 * The first text that is no number, if at least half of the texts stand for numbers; decimal commas and percentages
 * stand for numbers, but are none.
 */
export function findStray(values: readonly (string | null)[]): Stray | undefined {
  let [numbers, commas, percents, present, index] = [0, 0, 0, 0, -1]
  values.forEach((value, at) => {
    if (value === null) return
    present += 1
    if (isNumeral(value)) {
      numbers += 1
      return
    }
    if (index < 0) index = at
    if (decimalComma.test(value)) commas += 1
    else if (percentage.test(value)) percents += 1
  })
  const alike = numbers + commas + percents
  if (index < 0 || alike * 2 < present) return undefined
  const few = Math.max(commas, percents) * 2 < present - numbers
  const style = few ? undefined : commas >= percents ? 'comma' : 'percent'
  return { index, text: values[index]!, numbers: alike, present, style }
}

/** What to do about texts that stand for numbers; empty if they don't. */
export function styleHint({ style }: Stray, parsed: boolean): string {
  if (style === 'comma') {
    const delimiter = parsed ? " and keep delimiter: ';'" : ''
    return `It looks like a decimal comma: write decimal points, such as 1.5${delimiter}. `
  }
  return style === 'percent' ? 'It looks like a percentage: write numbers without the % sign. ' : ''
}

/**
 * Throws if a text column is numbers for the most part.
 *
 * @param column All its cells, of rows that are dropped too.
 * @param target Whether it is to be predicted.
 */
export function refuseStrays(table: SourceTable, name: string, column: TextCells, target: boolean): void {
  const stray = findStray(column.values)
  if (stray === undefined) return
  const row = stray.index
  const numbers = `${stray.numbers} of the ${stray.present} cells of '${name}'`
  const gap = table.parsed
    ? 'Name it in missingMarkers (beside the usual ones) if it stands for a missing value'
    : 'Write null if it stands for a missing value, and Number(…) for numbers in texts'
  const other = target
    ? `or name the column in categorical: ['${name}'] if its cells are classes.`
    : `or name the column in categorical: ['${name}'] if its cells are categories, or in ignore.`
  throw new KanError({
    code: 'ERR_KAN_DATA',
    message: `${table.where(row, name)} is '${stray.text}', while ${numbers} look like numbers`,
    hint: `${styleHint(stray, table.parsed)}${gap}, ${other}`,
    details: { row, column: name, expected: 'a number', found: stray.text },
  })
}
