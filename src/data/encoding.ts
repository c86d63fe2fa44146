/**
 * How named columns become numbers: which are taken as they are, which become one column for each category, and what
 * stands in for a missing value. Learnt from one table and kept with the model, so that other rows are read alike.
 */

import { KanError, KanRangeError } from '../errors.js'
import { listed, suggestion } from '../text/suggest.js'
import { counted } from '../text/table.js'
import { choice } from '../validate.js'
import { type Column, isMissing, type SourceTable } from './columns.js'
import { firstDuplicate, isTextList } from './names.js'

/** A column of numbers, used as it is. */
export interface NumberFeature {
  readonly name: string
  readonly kind: 'number'
  /** What stands in for a missing value; `null` if missing values are refused. */
  readonly fill: number | null
}

/** A column of categories; each becomes a column `name=category` of ones and zeros. */
export interface CategoryFeature {
  readonly name: string
  readonly kind: 'category'
  readonly categories: readonly string[]
  /** Those of them that have a column, where the model needs only some; all unless given. */
  readonly columns?: readonly string[]
  /** What stands in for a missing value; `null` if missing values are refused. */
  readonly fill: string | null
}

/** How named columns become the numbers of a model. */
export interface Encoding {
  readonly features: readonly (NumberFeature | CategoryFeature)[]
  /** Names of the target columns. */
  readonly targets: readonly string[]
  /** The texts that labels 0, 1, … of a text target stand for. */
  readonly classes: readonly string[] | null
}

/** What to do about missing values. */
export type Missing = 'refuse' | 'drop' | 'mean' | 'median'

/** Checks the option `missing`. */
export function missingWay(value: unknown): Missing {
  return value === undefined ? 'refuse' : choice<Missing>(value, 'missing', ['refuse', 'drop', 'mean', 'median'])
}

/** Names of the columns that an encoding makes. */
export function encodedNames(encoding: Encoding): string[] {
  return encoding.features.flatMap(feature =>
    feature.kind === 'number' ? [feature.name] : columnsOf(feature).map(category => `${feature.name}=${category}`),
  )
}

function columnsOf({ categories, columns }: CategoryFeature): readonly string[] {
  return columns ?? categories
}

/** An encoding that makes only some of its columns: those with the given indices, increasing. */
export function narrowed(encoding: Encoding, kept: readonly number[]): Encoding {
  const wanted = new Set(kept)
  let next = 0
  const features = encoding.features.flatMap((feature): (NumberFeature | CategoryFeature)[] => {
    if (feature.kind === 'number') return wanted.has(next++) ? [feature] : []
    const columns = columnsOf(feature).filter(() => wanted.has(next++))
    if (columns.length === 0) return []
    return [columns.length === feature.categories.length ? feature : { ...feature, columns }]
  })
  return frozen({ ...encoding, features })
}

/** Number of columns that an encoding makes. */
export function encodedWidth(encoding: Encoding): number {
  return encoding.features.reduce((sum, f) => sum + (f.kind === 'number' ? 1 : columnsOf(f).length), 0)
}

/** The distinct texts of a column, sorted by their UTF-16 code units. */
export function distinct(values: readonly (string | null)[]): string[] {
  return [...new Set(values.filter(value => value !== null))].sort()
}

/** The text of a number column that is to be read as categories. */
export function asText(column: Column): Column {
  if (column.kind === 'text') return column
  return { kind: 'text', values: Array.from(column.values, v => (Number.isNaN(v) ? null : String(v))) }
}

/** Whether a text, as a whole, is what JavaScript reads as a finite number. */
export function isNumeral(text: string): boolean {
  return text.trim() !== '' && Number.isFinite(Number(text))
}

/** Refuses a text column that can't sensibly become categories. */
export function checkCategories(
  name: string,
  values: readonly (string | null)[],
  limit: number,
  parsed: boolean,
): string[] {
  const found = distinct(values)
  const numerals = values.filter(value => value !== null && isNumeral(value)).length
  const present = values.filter(value => value !== null).length
  if (!parsed && present > 0 && numerals === present) {
    throw new KanError({
      code: 'ERR_KAN_DATA',
      message: `Column '${name}' holds numbers written as text, such as '${found[0]}'`,
      hint: `Convert them with Number(…), or list the column in categorical: ['${name}'] if they are names.`,
      details: { column: name },
    })
  }
  if (found.length <= limit) return found
  throw new KanError({
    code: 'ERR_KAN_DATA',
    message: `Column '${name}' is text with ${found.length} different values; at most ${limit} can become categories`,
    hint: `Leave it out with ignore: ['${name}'], or raise maxCategories.`,
    details: { column: name, expected: limit, found: found.length },
  })
}

function average(values: Float64Array): number {
  let sum = 0
  for (const value of values) sum += value
  const mean = sum / values.length
  return Number.isFinite(mean) ? mean : values.reduce((total, value) => total + value / values.length, 0)
}

function middle(sorted: Float64Array): number {
  const half = sorted.length >> 1
  if (sorted.length % 2 === 1) return sorted[half]!
  return sorted[half - 1]! / 2 + sorted[half]! / 2
}

function mostFrequent(values: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0]![0]
}

function refuseNoValues(name: string): never {
  throw new KanError({
    code: 'ERR_KAN_DATA',
    message: `Column '${name}' has no values`,
    hint: `Leave it out with ignore: ['${name}'].`,
    details: { column: name },
  })
}

/** What stands in for the gaps of a column of numbers. */
export function learnNumber(name: string, values: Float64Array, way: 'mean' | 'median'): number {
  const present = values.filter(value => !Number.isNaN(value))
  if (present.length === 0) refuseNoValues(name)
  return way === 'mean' ? average(present) : middle(present.sort())
}

/**
 * How one column is to be read. `mean` and `median` fill a column of categories with its most frequent one.
 *
 * @param column Its cells, those of the rows that are kept.
 */
export function learnFeature(
  name: string,
  column: Column,
  missing: Missing,
  limit: number,
  parsed: boolean,
): NumberFeature | CategoryFeature {
  const fills = missing === 'mean' || missing === 'median'
  if (column.kind === 'number') {
    return { name, kind: 'number', fill: fills ? learnNumber(name, column.values, missing) : null }
  }
  const categories = checkCategories(name, column.values, limit, parsed)
  if (categories.length === 0) refuseNoValues(name)
  const fill = fills ? mostFrequent(column.values.filter(value => value !== null)) : null
  return { name, kind: 'category', categories, fill }
}

/** Throws that a category isn't known. */
function refuseCategory(place: string, column: string, found: string, known: readonly string[]): never {
  throw new KanError({
    code: 'ERR_KAN_DATA',
    message: `${place} is '${found}', which is no category of '${column}'; known are ${listed(known, 24)}`,
    hint: `${suggestion(found, known)} A model knows only the categories it was trained with.`,
    details: { column, expected: known, found },
  })
}

const usualHint = "Use missing: 'drop' to leave such rows out, or 'mean' or 'median' to fill the gaps."

/** Throws that values are missing and that nothing is to stand in for them. */
export function refuseMissing(place: string, name: string, count: number, row: number, hint: string): never {
  const more = count > 1 ? ` (and ${counted(count - 1, 'more')} in the data)`.replace('mores', 'more') : ''
  throw new KanError({
    code: 'ERR_KAN_DATA',
    message: `${place} is missing${more}`,
    hint,
    details: { row, column: name, count },
  })
}

/** The rows of a table as numbers, `[rows, encodedWidth]`. */
export function encode(
  table: SourceTable,
  columns: ReadonlyMap<string, Column>,
  encoding: Encoding,
  rows: ArrayLike<number>,
): Float64Array {
  const width = encodedWidth(encoding)
  const x = new Float64Array(rows.length * width)
  let offset = 0
  for (const feature of encoding.features) {
    const column = columns.get(feature.name)!
    if (feature.kind === 'number') {
      encodeNumbers(table, column, feature, rows, x.subarray(offset), width)
      offset += 1
    } else {
      encodeCategories(table, asText(column), feature, rows, x.subarray(offset), width)
      offset += columnsOf(feature).length
    }
  }
  return x
}

function encodeNumbers(
  table: SourceTable,
  column: Column,
  { name, fill }: NumberFeature,
  rows: ArrayLike<number>,
  out: Float64Array,
  width: number,
): void {
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!
    if (isMissing(column, row)) out[i * width] = fill ?? refuseGap(table, column, name, row)
    else if (column.kind === 'number') out[i * width] = column.values[row]!
    else refuseText(table.where(row, name), name, column.values[row]!)
  }
}

function encodeCategories(
  table: SourceTable,
  column: Column,
  feature: CategoryFeature,
  rows: ArrayLike<number>,
  out: Float64Array,
  width: number,
): void {
  const { name, categories, fill } = feature
  const columns = columnsOf(feature)
  const index = new Map(categories.map(category => [category, columns.indexOf(category)]))
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!
    const value = (column as Extract<Column, { kind: 'text' }>).values[row] ?? fill
    const place = index.get(value ?? refuseGap(table, column, name, row))
    if (place === undefined) refuseCategory(table.where(row, name), name, String(value), categories)
    if (place >= 0) out[i * width + place] = 1
  }
}

function refuseGap(table: SourceTable, column: Column, name: string, row: number): never {
  let count = 0
  for (let r = 0; r < table.rows; r++) if (isMissing(column, r)) count++
  const keys = table.keys?.(row)
  const absent = keys !== undefined && !keys.includes(name)
  const hint = absent ? `The row has the keys ${listed(keys)}. ${usualHint}` : usualHint
  return refuseMissing(table.where(row, name), name, count, row, hint)
}

function refuseText(place: string, name: string, found: string): never {
  throw new KanError({
    code: 'ERR_KAN_NUMBER',
    message: `${place} is '${found}'; expected a number, as column '${name}' had before`,
    hint: isNumeral(found) ? 'Convert it with Number(…).' : undefined,
    details: { column: name, expected: 'a number', found },
  })
}

/** Labels of a text target. */
export function encodeClasses(
  values: readonly (string | null)[],
  classes: readonly string[],
  rows: ArrayLike<number>,
  where: (row: number) => string,
  name: string,
): Float64Array {
  const index = new Map(classes.map((text, i) => [text, i]))
  const labels = new Float64Array(rows.length)
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!
    const text = values[row]
    if (text === null || text === undefined) {
      refuseMissing(
        where(row),
        name,
        1,
        row,
        "A target can't be filled in; use missing: 'drop' to leave such rows out.",
      )
    }
    const label = index.get(text)
    if (label === undefined) refuseCategory(where(row), name, text, classes)
    labels[i] = label
  }
  return labels
}

function isFeature(value: unknown): value is NumberFeature | CategoryFeature {
  if (typeof value !== 'object' || value === null) return false
  const { name, kind, fill, categories, columns } = value as Record<string, unknown>
  if (typeof name !== 'string') return false
  if (kind === 'number') return fill === null || (typeof fill === 'number' && Number.isFinite(fill))
  const known = kind === 'category' && isTextList(categories) && firstDuplicate(categories) === undefined
  if (known && columns !== undefined && !isPart(columns, categories)) return false
  return known && categories.length > 0 && (fill === null || categories.includes(fill as string))
}

/** Whether a value is some of the categories, in their order. */
function isPart(columns: unknown, categories: readonly string[]): boolean {
  if (!isTextList(columns) || columns.length === 0) return false
  const places = columns.map(category => categories.indexOf(category))
  return places.every((place, i) => place > (i === 0 ? -1 : places[i - 1]!))
}

/** Whether a value, perhaps read from a file, is a sound encoding. */
export function isEncoding(value: unknown): value is Encoding {
  if (typeof value !== 'object' || value === null) return false
  const { features, targets, classes } = value as Record<string, unknown>
  const sound = Array.isArray(features) && features.length > 0 && features.every(isFeature)
  if (!sound || !isTextList(targets)) return false
  const labels = isTextList(classes) && firstDuplicate(classes) === undefined && targets.length === 1
  if (classes !== null && !labels) return false
  const names = [...features.map(feature => (feature as NumberFeature).name), ...targets]
  return firstDuplicate(names) === undefined
}

function frozenCategories({ columns, ...feature }: CategoryFeature): CategoryFeature {
  const part = columns === undefined ? {} : { columns: Object.freeze([...columns]) }
  return { ...feature, categories: Object.freeze([...feature.categories]), ...part }
}

/** A copy that can't be changed, so that it may be handed out. */
export function frozen(encoding: Encoding): Encoding {
  const features = encoding.features.map(feature =>
    Object.freeze(feature.kind === 'number' ? { ...feature } : frozenCategories(feature)),
  )
  return Object.freeze({
    features: Object.freeze(features),
    targets: Object.freeze([...encoding.targets]),
    classes: encoding.classes === null ? null : Object.freeze([...encoding.classes]),
  })
}

/** Checks an encoding that a user hands over. */
export function checkEncoding(value: unknown): Encoding {
  if (isEncoding(value)) return value
  throw new KanRangeError({
    code: 'ERR_KAN_OPTION',
    message: 'encoding must be the encoding of a Dataset or of a model',
    hint: 'Write encoding: model.encoding, or encoding: train.encoding.',
    details: { option: 'encoding' },
  })
}
