/**
 * What to predict for: everything that {@link prepare} reads, and a single row by itself.
 */

import { isRowObject, type RowObject } from './data/columns.js'
import { isDataset } from './data/dataset.js'
import { type ModelColumns, outputNames, type PredictOutput, prepare } from './data/prediction.js'
import { isMatrix, isNumberArray, type NumberArray, refuseCell } from './data/rows.js'
import { counted } from './text/table.js'
import { refuseShape } from './validate.js'

/** One row: numbers in the order of the inputs, or an object with a value for each named column. */
export type SingleRow = NumberArray | readonly number[] | RowObject

/** What a single row gives: numbers for numbers, an object for an object. */
export type SingleOutput = Float64Array | number[] | Record<string, number>

/** Rows as the model takes them, and how to give back results. */
export interface Input {
  readonly x: Float64Array
  readonly rows: number
  /** Whether it is a single row, so that there is a single result. */
  readonly single: boolean
  /** Wraps `values: [rows, outputs]` in the kind that the input has. */
  wrap(values: Float64Array): PredictOutput | SingleOutput
}

/** As `Array.from`, which takes ten times as long for a few numbers. */
export function plain(numbers: Float64Array): number[] {
  const list: number[] = []
  for (let i = 0; i < numbers.length; i++) list.push(numbers[i]!)
  return list
}

/** Whether a value is a single row of numbers in a plain array. */
export function isPlainRow(value: unknown): value is readonly number[] {
  return Array.isArray(value) && typeof value[0] === 'number'
}

/** Checks a row of numbers and writes it to `into`, which may be the row itself if it has a number for each input. */
export function readRow(row: ArrayLike<number>, columns: ModelColumns, into: Float64Array): Float64Array {
  const { inputs, inputNames, first } = columns
  if (first !== undefined && row.length === first.width) {
    for (let i = 0; i < row.length; i++)
      if (!Number.isFinite(row[i]!)) refuseCell(`row[${i}]`, 0, i, undefined, row[i]!)
    for (let i = 0; i < inputs; i++) into[i] = row[first.ids[i]!]!
    return into
  }
  if (row.length !== inputs) {
    const found = row.length
    const hint = `Give one number for each of the ${counted(inputs, 'input')}; rows are lists in a list, or { data, shape }.`
    refuseShape(`The row has ${found} numbers; expected ${inputs}`, { expected: inputs, found }, hint)
  }
  for (let i = 0; i < inputs; i++) {
    const cell = row[i]!
    if (!Number.isFinite(cell)) refuseCell(`row[${i}]`, 0, i, inputNames?.[i], cell)
    into[i] = cell
  }
  return into
}

/** Reads a row or rows of any kind for a model. */
export function inputOf(value: unknown, columns: ModelColumns): Input {
  if (isNumberArray(value) || isPlainRow(value)) {
    const wrap = (values: Float64Array) => (Array.isArray(value) ? plain(values) : values)
    return { x: readRow(value, columns, new Float64Array(columns.inputs)), rows: 1, single: true, wrap }
  }
  const names = outputNames(columns)
  const single = isRowObject(value) && !isMatrix(value) && !isDataset(value)
  const { x, rows, wrap } = prepare(single ? [value] : value, columns)
  if (!single) return { x, rows, single, wrap: values => wrap(values, names) }
  return { x, rows, single, wrap: values => (wrap(values, names) as Record<string, number>[])[0]! }
}
