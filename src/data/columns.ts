/**
 * Named columns of numbers or text, from row objects, rows with names, or columns. A column is read when it is asked
 * for, so that an ignored one may hold anything.
 */

import { described, KanError, KanTypeError } from '../errors.js'
import { counted } from '../text/table.js'
import { refuseRange, refuseShape, refuseType } from '../validate.js'
import { placesOf } from './names.js'
import { isNumberArray, refuseEmpty } from './rows.js'

/** A cell as users write it; `null`, `undefined` and NaN are missing, `true` is 1 and `false` is 0. */
export type Cell = number | string | boolean | null | undefined

/** A row with its columns by name. */
export type RowObject = Readonly<Record<string, Cell>>

/** Columns by name, all of the same length. */
export type ColumnObject = Readonly<Record<string, readonly Cell[] | Float64Array | Float32Array | Int32Array>>

/** A column of one kind. */
export type Column = NumberCells | TextCells

/** Numbers; NaN is missing. */
export interface NumberCells {
  kind: 'number'
  values: Float64Array
}

/** Texts; `null` is missing. */
export interface TextCells {
  kind: 'text'
  values: readonly (string | null)[]
}

/** Named columns that are read on demand. */
export interface SourceTable {
  readonly names: readonly string[]
  readonly rows: number
  /** The cells of a column that is in `names`. */
  column(name: string): Column
  /** How a user would point at a cell: `rows[3].weight`. */
  where(row: number, name: string): string
  /** Whether numbers written as text are to be expected (then they were already recognised). */
  readonly parsed: boolean
  /** The names in one row, where each row has its own: those of row objects. */
  keys?(row: number): readonly string[]
  /** Frees what the columns are read from, once all that are wanted have been. */
  release?(): void
}

/** `.name` or `['odd name']`. */
function member(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`
}

/** Sorts cells into a column of one kind. */
function typedColumn(rows: number, cell: (row: number) => unknown, where: (row: number) => string): Column {
  const values: unknown[] = []
  let first: { row: number; kind: 'number' | 'boolean' | 'string' } | undefined
  for (let row = 0; row < rows; row++) {
    const value = cell(row)
    values.push(value)
    if (value === null || value === undefined || Number.isNaN(value)) continue
    const kind = typeof value
    if (kind !== 'number' && kind !== 'boolean' && kind !== 'string') {
      throw new KanTypeError({
        code: 'ERR_KAN_DATA',
        message: `${where(row)} is ${described(value)}; expected a number, a text, true, false or null`,
        hint: 'Convert it, or leave the column out with ignore.',
        details: { row, found: described(value) },
      })
    }
    if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) {
      throw new KanError({
        code: 'ERR_KAN_NUMBER',
        message: `${where(row)} is ${value}; expected a finite number`,
        hint: 'Replace it by a finite number, or by null if the value is missing.',
        details: { row, expected: 'a finite number', found: value },
      })
    }
    first ??= { row, kind }
    if (kind !== first.kind) {
      throw new KanTypeError({
        code: 'ERR_KAN_DATA',
        message: `${where(row)} is ${described(value)}, but ${where(first.row)} is a ${first.kind}; a column has one kind`,
        hint: 'Use null for a missing value, and Number(…) for numbers in texts.',
        details: { row, expected: first.kind, found: described(value) },
      })
    }
  }
  if (first?.kind === 'string') {
    return { kind: 'text', values: values.map(value => (typeof value === 'string' ? value : null)) }
  }
  const numbers = new Float64Array(rows)
  for (let row = 0; row < rows; row++) {
    const value = values[row]
    numbers[row] = typeof value === 'number' ? value : typeof value === 'boolean' ? Number(value) : Number.NaN
  }
  return { kind: 'number', values: numbers }
}

/** Whether a value may be a row object. */
export function isRowObject(value: unknown): value is RowObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value)
}

function fromObjects(rows: readonly RowObject[], origin: string): SourceTable {
  const names = new Set<string>()
  for (let r = 0; r < rows.length; r++) {
    const row: unknown = rows[r]
    if (!isRowObject(row)) refuseType(`${origin}[${r}]`, 'an object with a value for each column', row)
    for (const name of Object.keys(row)) names.add(name)
  }
  const where = (row: number, name: string) => `${origin}[${row}]${member(name)}`
  // A row without a column named 'constructor' must not give the one it inherits.
  const cell = (row: RowObject, name: string) => (Object.hasOwn(row, name) ? row[name] : undefined)
  const column = (name: string) =>
    typedColumn(
      rows.length,
      row => cell(rows[row]!, name),
      row => where(row, name),
    )
  const keys = (row: number) => Object.keys(rows[row]!)
  return { names: [...names], rows: rows.length, where, column, keys, parsed: false }
}

function fromArrays(rows: readonly (readonly Cell[])[], names: readonly string[], origin: string): SourceTable {
  for (let r = 0; r < rows.length; r++) {
    const row: unknown = rows[r]
    if (!Array.isArray(row) && !isNumberArray(row)) refuseType(`${origin}[${r}]`, 'an array of cells', row)
    if (row.length === names.length) continue
    refuseShape(
      `${origin}[${r}] has ${counted(row.length, 'cell')}; expected ${names.length}`,
      { row: r, expected: names.length, found: row.length },
      'Every row needs a cell for each name.',
    )
  }
  const places = placesOf(names)
  const where = (row: number, name: string) => `${origin}[${row}][${places.get(name)}] (column '${name}')`
  const column = (name: string) => {
    const index = places.get(name)!
    return typedColumn(
      rows.length,
      row => rows[row]?.[index],
      row => where(row, name),
    )
  }
  return { names, rows: rows.length, where, column, parsed: false }
}

/** A table from rows: objects, or arrays with the names of their columns. */
export function tableFromRows(rows: unknown, names: readonly string[] | undefined, origin = 'rows'): SourceTable {
  if (!Array.isArray(rows)) refuseType(origin, 'an array of rows', rows)
  if (rows.length === 0) refuseEmpty(origin)
  if (Array.isArray(rows[0]) || isNumberArray(rows[0])) {
    if (names === undefined) {
      refuseRange('names', 'the names of the columns when rows are arrays', names, "Give names: ['a', 'b', …].")
    }
    return fromArrays(rows, names, origin)
  }
  if (names !== undefined) refuseRange('names', 'left out when rows are objects', names)
  return fromObjects(rows, origin)
}

/** A table from columns by name. */
export function tableFromColumns(columns: unknown): SourceTable {
  if (!isRowObject(columns)) refuseType('columns', 'an object with an array for each column', columns)
  const names = Object.keys(columns)
  const lists = new Map<string, ArrayLike<unknown>>()
  for (const name of names) {
    const list: unknown = columns[name]
    if (!Array.isArray(list) && !isNumberArray(list)) refuseType(`columns${member(name)}`, 'an array of cells', list)
    lists.set(name, list)
  }
  const rows = lists.values().next().value?.length ?? 0
  for (const [name, list] of lists) {
    if (list.length === rows) continue
    refuseShape(
      `columns${member(name)} has ${counted(list.length, 'cell')}; columns${member(names[0]!)} has ${rows}`,
      { expected: rows, found: list.length, column: name },
      'All columns need the same length.',
    )
  }
  if (rows === 0) refuseEmpty('columns')
  const where = (row: number, name: string) => `columns${member(name)}[${row}]`
  const column = (name: string) =>
    typedColumn(
      rows,
      row => lists.get(name)?.[row],
      row => where(row, name),
    )
  return { names, rows, where, column, parsed: false }
}

/** The given rows of a column. */
export function selectCells(column: Column, rows: ArrayLike<number>): Column {
  if (column.kind === 'text') {
    return { kind: 'text', values: Array.from(rows, row => column.values[row] ?? null) }
  }
  return { kind: 'number', values: Float64Array.from(rows, row => column.values[row]!) }
}

/** Whether a cell of a column is missing. */
export function isMissing(column: Column, row: number): boolean {
  return column.kind === 'text' ? column.values[row] === null : Number.isNaN(column.values[row])
}
