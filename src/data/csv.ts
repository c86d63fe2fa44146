/**
 * CSV text as a dataset. The parsing itself is native; here the options are checked and errors get the file's name.
 */

import { fromNative, inFile, KanError } from '../errors.js'
import { type FilePath, pathOf, readBytes } from '../files.js'
import { NativeTable } from '../native.js'
import { fields, flag, refuseRange, refuseType } from '../validate.js'
import type { SourceTable } from './columns.js'
import { type Dataset, makeDataset } from './dataset.js'
import { isTextList, placesOf } from './names.js'
import { partsFromTable, type TableOptions, tableOptionNames } from './table.js'

/** How a CSV text is read and becomes a dataset. */
export interface CsvOptions extends TableOptions {
  /** What separates cells: one ASCII character, `','` unless given. */
  delimiter?: string | undefined
  /** Whether the first row names the columns, `true` unless given. Without it they are `column1`, `column2`, …. */
  header?: boolean | undefined
  /** Cells that stand for a missing value; `['', 'NA', 'N/A', 'NaN', 'null', '?']` unless given, which are replaced. */
  missingMarkers?: readonly string[] | undefined
  /** Rows that begin with this ASCII character are skipped. */
  comment?: string | undefined
}

const csvOptionNames = ['delimiter', 'header', 'missingMarkers', 'comment']

function character(value: unknown, name: string): string {
  if (typeof value !== 'string') refuseType(name, 'one ASCII character', value)
  if (value.length !== 1 || value.charCodeAt(0) > 127 || '"\r\n'.includes(value)) {
    refuseRange(name, 'one ASCII character that is no quote and no line end', value)
  }
  return value
}

function dialect(options: Readonly<Record<string, unknown>>): string {
  const { delimiter, header, missingMarkers, comment } = options
  if (missingMarkers !== undefined) {
    if (!isTextList(missingMarkers)) refuseType('missingMarkers', 'a list of texts', missingMarkers)
  }
  return JSON.stringify({
    delimiter: delimiter === undefined ? undefined : character(delimiter, 'delimiter'),
    header: header === undefined ? undefined : flag(header, 'header'),
    missingMarkers,
    comment: comment === undefined ? undefined : character(comment, 'comment'),
  })
}

function source(bytes: Uint8Array, options: string, origin: string): SourceTable {
  let table: InstanceType<typeof NativeTable>
  try {
    table = NativeTable.parse(bytes, options)
  } catch (error) {
    const found = fromNative(error)
    throw inFile(found, origin, csvHint(found))
  }
  const names = table.names()
  const places = placesOf(names)
  const rows = table.rows()
  return {
    names,
    rows,
    parsed: true,
    where: (row, name) => `${origin}: column '${name}' of data row ${row + 1}`,
    column: name => {
      const index = places.get(name)!
      if (table.isText(index)) return { kind: 'text', values: table.text(index).map(text => text ?? null) }
      const values = new Float64Array(rows)
      table.numbers(index, values)
      return { kind: 'number', values }
    },
    // A parsed file may be large, and finalizers run late.
    release: () => table.dispose(),
  }
}

const usualHint =
  'Open the file at that line; the options delimiter, header, missingMarkers and comment say how it is read.'

/** Advice by what the parser says. */
const csvHints: readonly (readonly [RegExp, string])[] = [
  [
    /expected \d+ fields?/,
    "Every row needs as many cells as the header; check quotes, or the delimiter option (such as ';' or '\\t').",
  ],
  [/not UTF-8/, 'Save the file again with the encoding UTF-8 (in a spreadsheet: "CSV UTF-8").'],
  [/the file is empty/, 'Check that it is the right file, and that it was written to the end.'],
  [/and no rows/, 'It needs at least one row of data below the names; if that line is data, use header: false.'],
  [/column 1 has no name/, 'Give it a name, or write the file without the index (pandas: to_csv(path, index=False)).'],
  [/has no name/, 'Give every column a name; a delimiter at the end of the line makes a column without one.'],
]

function csvHint(error: Error): string | undefined {
  if (!(error instanceof KanError) || error.code !== 'ERR_KAN_CSV') return undefined
  return csvHints.find(([symptom]) => symptom.test(error.message))?.[1] ?? usualHint
}

function build(bytes: Uint8Array, options: unknown, origin: string): Dataset {
  const given = fields(options, 'the options', [...tableOptionNames, ...csvOptionNames])
  const table = source(bytes, dialect(given), origin)
  try {
    return makeDataset(partsFromTable(table, given, csvOptionNames))
  } finally {
    table.release?.()
  }
}

/**
 * A dataset from CSV text.
 *
 * @param text The text, or its bytes in UTF-8.
 * @throws {@link KanError} `ERR_KAN_CSV` for what can't be parsed (line named), `ERR_KAN_DATA` for a text column with
 *   too many values, for text among numbers, for missing values and unknown categories; `TypeError` for unknown options and columns.
 */
export function parseCsv(text: string | Uint8Array, options: CsvOptions = {}): Dataset {
  if (typeof text !== 'string' && !(text instanceof Uint8Array)) refuseType('text', 'a text or a Uint8Array', text)
  return build(typeof text === 'string' ? new TextEncoder().encode(text) : text, options, 'CSV')
}

/**
 * A dataset from a CSV file.
 *
 * Columns of numbers are used as they are; a text column with at most `maxCategories` different values becomes one
 * column of ones and zeros for each, named `origin=USA`; a text column with more is refused by name.
 *
 * @throws As {@link parseCsv}, and {@link KanError} `ERR_KAN_FILE` if the file can't be read.
 */
export async function readCsv(path: FilePath, options: CsvOptions = {}): Promise<Dataset> {
  const file = pathOf(path, 'path')
  return build(await readBytes(file), options, file)
}
