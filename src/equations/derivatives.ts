/**
 * Derivatives of a model's outputs by its inputs, in the units of the data.
 */

import type { RowObject } from '../data/columns.js'
import type { Dataset } from '../data/dataset.js'
import type { ModelColumns } from '../data/prediction.js'
import type { Float64Matrix, Matrix, NumberArray, NumberRows } from '../data/rows.js'
import { native } from '../errors.js'
import type { NativeModelHandle } from '../native.js'
import { optional } from '../options.js'
import { settled } from '../outcome.js'
import { inputOf } from '../predict.js'
import { fields, refuseRange } from '../validate.js'

/** What to differentiate at: everything that `predict` takes; a single row counts as rows of one. */
export type DerivativeInput =
  | NumberRows
  | Matrix
  | Dataset
  | readonly RowObject[]
  | NumberArray
  | readonly number[]
  | RowObject

/** How far to differentiate. */
export interface DerivativeOptions {
  /** 1 for first derivatives, 2 for second derivatives as well (splines of degree 3 or more); 1 unless given. */
  order?: 1 | 2 | undefined
}

/** Numbers with a shape, the last index running fastest. */
export interface Float64Block<Shape extends readonly number[]> {
  data: Float64Array
  shape: Shape
}

/** Outputs and their derivatives by the inputs. */
export interface Derivatives {
  /** Outputs, `[rows, outputs]`. */
  value: Float64Matrix
  /** `∂u/∂xᵢ`, `[rows, outputs, inputs]`: that of output `o` by input `i` is `data[(row·outputs + o)·inputs + i]`. */
  first: Float64Block<[rows: number, outputs: number, inputs: number]>
  /** `∂²u/∂xᵢ∂xⱼ`, symmetric in `i` and `j`; only with `order: 2`. */
  second?: Float64Block<[rows: number, outputs: number, inputs: number, inputs: number]>
}

/** Differentiates in the background. */
export async function derivativesOf(
  model: NativeModelHandle,
  columns: ModelColumns,
  value: unknown,
  options: DerivativeOptions,
): Promise<Derivatives> {
  const given = fields(options, 'the options of derivatives', ['order'])
  const order = optional(given.order, v => (v === 1 || v === 2 ? v : refuseRange('order', '1 or 2', v))) ?? 1
  const { x, rows } = inputOf(value, columns)
  const { values } = settled(await native(() => model.derivatives(x, rows, order)))
  const { inputs, outputs } = columns
  const count = rows * outputs
  const all = values ?? new Float64Array(0)
  const found: Derivatives = {
    value: { data: all.subarray(0, count), shape: [rows, outputs] },
    first: { data: all.subarray(count, count * (1 + inputs)), shape: [rows, outputs, inputs] },
  }
  if (order === 2) {
    found.second = { data: all.subarray(count * (1 + inputs)), shape: [rows, outputs, inputs, inputs] }
  }
  return found
}
