/**
 * Numbers from JavaScript as one row-major block: rows of arrays, or a typed array with its shape. What is not a
 * finite number, or not of the right width, is refused by row and column.
 */

import { described, KanError, KanTypeError } from '../errors.js'
import { listed } from '../text/suggest.js'
import { counted } from '../text/table.js'
import { refuseShape, refuseType } from '../validate.js'

/** The typed arrays that hold JavaScript numbers. */
export type NumberArray =
  | Float64Array
  | Float32Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array

/** Numbers with a shape: `data` holds `shape[0] · shape[1]` numbers, row after row. */
export interface Matrix {
  readonly data: NumberArray | readonly number[]
  readonly shape: readonly [rows: number, columns: number]
}

/** A {@link Matrix} as this package returns it. */
export interface Float64Matrix {
  data: Float64Array
  shape: [rows: number, columns: number]
}

/** Rows of numbers, all of the same length. */
export type NumberRows = readonly (readonly number[] | NumberArray)[]

/** A checked block of numbers, `data: [rows, columns]`, row-major. */
export interface Block {
  data: Float64Array
  rows: number
  columns: number
}

/** What is known about a block before it is read. */
export interface BlockRules {
  /** What the user calls it, such as `x`. */
  name: string
  /** Number of columns it must have. */
  columns?: number | undefined
  /** Names of the columns, for errors. */
  columnNames?: readonly string[] | undefined
  /** Whether `null`, `undefined` and NaN are kept, as NaN. */
  allowMissing?: boolean
  /** Whether a `Float64Array` may be used as it is, for work that copies it at once. */
  borrow?: boolean
}

/** Whether a value is a typed array of numbers (not of bigints). */
export function isNumberArray(value: unknown): value is NumberArray {
  return (
    ArrayBuffer.isView(value) &&
    !(value instanceof DataView) &&
    !(value instanceof BigInt64Array) &&
    !(value instanceof BigUint64Array)
  )
}

/** Whether a value looks like a {@link Matrix}. */
export function isMatrix(value: unknown): value is Matrix {
  return typeof value === 'object' && value !== null && 'data' in value && 'shape' in value
}

/** Whether a cell has no value. */
export function isGap(cell: unknown): boolean {
  return cell === null || cell === undefined || Number.isNaN(cell)
}

/** Throws that there are no rows. */
export function refuseEmpty(name: string): never {
  throw new KanError({
    code: 'ERR_KAN_EMPTY',
    message: `${name} has no rows`,
    hint: 'Give at least one row.',
    details: { name },
  })
}

/** Throws that each of the rows has a missing value, so that none is left. */
export function refuseAllDropped(rows: number, hint: string): never {
  throw new KanError({
    code: 'ERR_KAN_EMPTY',
    message: `No row is left of ${rows}: each has a missing value`,
    hint,
    details: { rows },
  })
}

/** Throws that a target is of another kind than those above: class names, numbers, or `true` and `false`. */
export function refuseMixed(name: string, row: number, found: unknown, expected: string): never {
  const mixed = expected === 'true or false' ? 'true and false with other values' : 'class names and numbers'
  throw new KanTypeError({
    code: 'ERR_KAN_LABEL',
    message: `${name} mixes ${mixed}: ${name}[${row}] is ${described(found)}; expected ${expected}, as above`,
    hint: 'Targets are all class names (String(…) makes one of a number), all numbers, or all true and false.',
    details: { row, expected, found },
  })
}

/** Throws that a cell is no finite number. */
export function refuseCell(
  place: string,
  row: number,
  column: number,
  label: string | undefined,
  found: unknown,
): never {
  const named = label === undefined ? '' : ` (column '${label}')`
  const parts = {
    message: `${place}${named} is ${described(found)}; expected a finite number`,
    details: { row, column, name: label, expected: 'a finite number', found },
  }
  const missing = isGap(found)
  if (typeof found === 'number' || missing) {
    const hint = missing
      ? "Fill in or remove such cells, or build a Dataset with missing: 'drop', 'mean' or 'median'."
      : 'Replace it by a finite number, or remove the row.'
    throw new KanError({ code: 'ERR_KAN_NUMBER', hint, ...parts })
  }
  const numeric = typeof found === 'string' && found.trim() !== '' && Number.isFinite(Number(found))
  const hint = numeric
    ? 'Numbers in texts are not converted silently: use Number(…) on them.'
    : typeof found === 'boolean'
      ? 'Write 1 for true and 0 for false.'
      : 'Only numbers go into a model; give row objects to a Dataset to have text encoded.'
  throw new KanTypeError({ code: 'ERR_KAN_NUMBER', hint, ...parts })
}

function refuseNoColumns(place: string): never {
  const details = { expected: 'at least 1', found: 0 }
  return refuseShape(`${place} has no columns`, details, 'Give at least one number in each row.')
}

function checkWidth(found: number, rules: BlockRules, place: string, row?: number): void {
  const expected = rules.columns
  if (expected === undefined || expected === found) return
  const names =
    rules.columnNames === undefined
      ? `Give rows of ${counted(expected, 'number')}.`
      : `The columns are ${listed(rules.columnNames, 24)}.`
  refuseShape(
    `${place} has ${counted(found, 'column')}; expected ${expected}`,
    { expected, found, ...(row === undefined ? {} : { row }) },
    names,
  )
}

function fromRows(rows: readonly unknown[], rules: BlockRules): Block {
  const { name, allowMissing = false } = rules
  const first = rows[0]
  if (!Array.isArray(first) && !isNumberArray(first)) refuseType(`${name}[0]`, 'an array of numbers', first)
  checkWidth(first.length, rules, `${name}[0]`, 0)
  const columns = first.length
  if (columns === 0) refuseNoColumns(`${name}[0]`)
  const data = new Float64Array(rows.length * columns)
  for (let r = 0; r < rows.length; r++) {
    const row = rows[r]
    if (!Array.isArray(row) && !isNumberArray(row)) refuseType(`${name}[${r}]`, 'an array of numbers', row)
    if (row.length !== columns) {
      const hint = 'Every row needs a number for every column.'
      const details = { row: r, expected: columns, found: row.length }
      refuseShape(`${name}[${r}] has ${counted(row.length, 'column')}; the rows above have ${columns}`, details, hint)
    }
    for (let c = 0; c < columns; c++) {
      const cell: unknown = row[c]
      if (typeof cell === 'number' && Number.isFinite(cell)) data[r * columns + c] = cell
      else if (allowMissing && isGap(cell)) data[r * columns + c] = Number.NaN
      else refuseCell(`${name}[${r}][${c}]`, r, c, rules.columnNames?.[c], cell)
    }
  }
  return { data, rows: rows.length, columns }
}

/** A list of finite numbers, as a copy. */
export function finiteNumbers(value: unknown, name: string): Float64Array {
  if (!Array.isArray(value) && !isNumberArray(value)) refuseType(name, 'an array of numbers', value)
  const numbers = new Float64Array(value.length)
  for (let i = 0; i < numbers.length; i++) {
    const number: unknown = value[i]
    if (typeof number !== 'number' || !Number.isFinite(number)) refuseCell(`${name}[${i}]`, i, 0, undefined, number)
    numbers[i] = number
  }
  return numbers
}

/** Throws at the first number that is not finite (NaN passes where `allowMissing`). */
function checkNumbers(data: ArrayLike<unknown>, columns: number, rules: BlockRules): void {
  for (let i = 0; i < data.length; i++) {
    const cell = data[i]
    if (typeof cell === 'number' && (Number.isFinite(cell) || (rules.allowMissing && Number.isNaN(cell)))) continue
    const row = Math.floor(i / columns)
    const column = i % columns
    refuseCell(`${rules.name}, row ${row}, column ${column},`, row, column, rules.columnNames?.[column], cell)
  }
}

function fromMatrix(matrix: Matrix, rules: BlockRules): Block {
  const { name } = rules
  const { data, shape } = matrix as { data: unknown; shape: unknown }
  if (!isNumberArray(data) && !Array.isArray(data)) refuseType(`${name}.data`, 'a typed array of numbers', data)
  const sizes = Array.isArray(shape) && shape.length === 2 && shape.every(n => Number.isSafeInteger(n) && n >= 0)
  if (!sizes) refuseType(`${name}.shape`, 'two whole numbers [rows, columns]', shape)
  const [rows, columns] = shape as [number, number]
  if (rows * columns !== data.length) {
    refuseShape(
      `${name}.data has ${counted(data.length, 'number')}; its shape [${rows}, ${columns}] needs ${rows * columns}`,
      { expected: rows * columns, found: data.length },
      'A shape is [rows, columns], and their product is the length of data.',
    )
  }
  if (rows === 0) refuseEmpty(name)
  if (columns === 0) refuseNoColumns(name)
  checkWidth(columns, rules, name)
  checkNumbers(data, columns, rules)
  if (rules.borrow && data instanceof Float64Array) return { data, rows, columns }
  return { data: new Float64Array(data), rows, columns }
}

/** Rows or a matrix as one block. */
export function toBlock(value: unknown, rules: BlockRules): Block {
  if (isMatrix(value)) return fromMatrix(value, rules)
  if (Array.isArray(value)) {
    if (value.length === 0) refuseEmpty(rules.name)
    if (typeof value[0] === 'number') {
      throw new KanTypeError({
        code: 'ERR_KAN_SHAPE',
        message: `${rules.name} must be rows of numbers; found a single list of ${value.length} numbers`,
        hint: `For one row write [${rules.name}]; for a list row after row give { data, shape: [rows, columns] }.`,
        details: { expected: 'rows of numbers', found: 'a list of numbers' },
      })
    }
    return fromRows(value, rules)
  }
  if (isNumberArray(value)) {
    throw new KanTypeError({
      code: 'ERR_KAN_SHAPE',
      message: `${rules.name} is a typed array without a shape`,
      hint: 'Give { data, shape: [rows, columns] }.',
      details: { expected: '{ data, shape }', found: described(value) },
    })
  }
  return refuseType(rules.name, 'rows of numbers or { data, shape }', value)
}

/** One number for each row (or `true` and `false`, for 1 and 0), as a block of one column, or rows of numbers. */
export function toTargetBlock(value: unknown, rules: BlockRules): Block {
  const list = isNumberArray(value) ? value : Array.isArray(value) && !isRowLike(value[0]) ? value : undefined
  if (list === undefined) return toBlock(value, rules)
  if (list.length === 0) refuseEmpty(rules.name)
  const data = new Float64Array(list.length)
  const flags = !isNumberArray(list) && typeof list.find(cell => !isGap(cell)) === 'boolean'
  for (let r = 0; r < list.length; r++) {
    const cell: unknown = list[r]
    if (flags ? typeof cell === 'boolean' : typeof cell === 'number' && Number.isFinite(cell)) data[r] = Number(cell)
    else if (rules.allowMissing && isGap(cell)) data[r] = Number.NaN
    else if (flags && !isGap(cell)) refuseMixed(rules.name, r, cell, 'true or false')
    else if (typeof cell === 'string' && !Number.isFinite(Number(cell))) refuseMixed(rules.name, r, cell, 'a number')
    else refuseCell(`${rules.name}[${r}]`, r, 0, rules.columnNames?.[0], cell)
  }
  checkWidth(1, rules, rules.name)
  return { data, rows: list.length, columns: 1 }
}

function isRowLike(value: unknown): boolean {
  return Array.isArray(value) || isNumberArray(value)
}

/** Weights: one number for each row, none negative. */
export function toWeights(value: unknown, rows: number, name: string): Float64Array {
  const weights = finiteNumbers(value, name)
  const found = weights.length
  if (found !== rows) {
    const message = `${name} has ${counted(found, 'number')}; there are ${counted(rows, 'row')}`
    refuseShape(message, { expected: rows, found }, 'Give one number for each row.')
  }
  for (const [row, weight] of weights.entries()) checkWeight(weight, `${name}[${row}]`, row)
  return weights
}

/** Throws if a weight is negative. */
export function checkWeight(weight: number, place: string, row: number): void {
  if (weight < 0) refuseWeights(`${place} is ${weight}; expected 0 or more`, { row, found: weight })
}

/** The weights of the rows that are kept; they must not all be zero. */
export function checkTotalWeight(weights: Float64Array, name: string): Float64Array {
  const sum = weights.reduce((total, weight) => total + weight, 0)
  if (!(sum > 0 && Number.isFinite(sum))) {
    refuseWeights(`The sum of ${name} is ${sum}; expected a positive finite number`, { found: sum })
  }
  return weights
}

function refuseWeights(message: string, details: Record<string, unknown>): never {
  throw new KanError({ code: 'ERR_KAN_DATA', message, hint: 'Weights say how much a row counts.', details })
}

/** A block as rows of plain arrays. */
export function toRows(data: Float64Array, columns: number): number[][] {
  const rows = data.length / columns
  return Array.from({ length: rows }, (_, r) => Array.from(data.subarray(r * columns, (r + 1) * columns)))
}

/** The given rows of a row-major block. */
export function selectRows(data: Float64Array, columns: number, rows: ArrayLike<number>): Float64Array {
  const out = new Float64Array(rows.length * columns)
  for (let i = 0; i < rows.length; i++) {
    const start = rows[i]! * columns
    out.set(data.subarray(start, start + columns), i * columns)
  }
  return out
}
