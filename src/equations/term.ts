/**
 * The terms of a loss made of equations: points, what is known there, and what should vanish.
 */

import { isNumberArray, type Matrix, type NumberArray, type NumberRows, toBlock, toWeights } from '../data/rows.js'
import { KanTypeError } from '../errors.js'
import type { NativeTerm } from '../native.js'
import { optional } from '../options.js'
import { fields, finite, ownFields, refuseType, word } from '../validate.js'
import {
  coordinate,
  Expression,
  expressionOf,
  Field,
  type InputNames,
  numbersAt,
  type PointNumbers,
  type Tape,
  tapeOf,
} from './expression.js'

/** The symbols that a residual is written with. */
export interface Symbols {
  /** The model's output; the first one if there are several. */
  readonly u: Field
  /** All outputs. */
  readonly outputs: readonly Field[]
  /** The coordinates of the point. */
  readonly x: readonly Expression[]
  /** The numbers given for the points, by the names they have in `data`. */
  readonly data: Readonly<Record<string, Expression>>
}

/** A part of the loss: `weight` times the mean over the points of the residual's square. */
export interface EquationTerm {
  /** What errors and the history call it. */
  name?: string | undefined
  /** Where the residual should vanish: rows of coordinates, in the order of the model's inputs. */
  points: NumberRows | Matrix
  /**
   * What should vanish. It is called once, with symbols: `({ u, x }) => u.d('t').minus(u.d('x', 'x').times(0.1))`.
   * Instead of numbers it may also combine symbols with an array of one number for each point, or with a function of
   * the coordinates.
   */
  residual: (symbols: Symbols) => Expression
  /** Numbers given for each point, by names of your choice: measurements, sources, boundary values. */
  data?: Readonly<Record<string, PointNumbers>> | undefined
  /** How much the term counts, at least 0; 1 unless given. */
  weight?: number | undefined
  /** How much each point counts, at least 0; all alike unless given. */
  weights?: NumberArray | readonly number[] | undefined
}

/** What a model is to those who write equations for it. */
export interface EquationModel {
  readonly inputs: InputNames
  readonly outputs: number
}

const keys: readonly (keyof EquationTerm)[] = ['name', 'points', 'residual', 'data', 'weight', 'weights']

/** The terms as native code takes them, with their names. Residuals and functions of coordinates are called here. */
export function readTerms(value: unknown, model: EquationModel): { terms: NativeTerm[]; names: string[] } {
  if (!Array.isArray(value)) {
    refuseType(
      'The terms',
      'a list of terms { points, residual }',
      value,
      'Write fitEquations([{ points, residual }]).',
    )
  }
  const read = value.map((term: unknown, index) => readTerm(term, `terms[${index}]`, model))
  return { terms: read.map(({ term }) => term), names: read.map(({ name }) => name) }
}

function readTerm(value: unknown, place: string, model: EquationModel): { term: NativeTerm; name: string } {
  const given = fields(value ?? null, place, keys)
  const name = optional(given.name, v => word(v, `${place}.name`)) ?? place
  const { data: x, rows } = toBlock(given.points, {
    name: `${place}.points`,
    columns: model.inputs.count,
    columnNames: model.inputs.names ?? undefined,
  })
  const data = given.data === undefined ? {} : ownFields(given.data, `${place}.data`, 'an object of numbers by name')
  const { ops, columns } = residualOf(given.residual, place, data, model)
  const named = columns.map(numbers => ({ numbers, name: nameOf(numbers, data, place) }))
  const term = {
    x,
    data: numbersAt(named, x, rows),
    rows,
    weight: optional(given.weight, v => finite(v, `${place}.weight`, { min: 0 })) ?? 1,
    residual: JSON.stringify(ops),
  }
  if (given.weights === undefined) return { term, name }
  return { term: { ...term, weights: toWeights(given.weights, rows, `${place}.weights`) }, name }
}

function nameOf(numbers: PointNumbers, data: Readonly<Record<string, unknown>>, place: string): string {
  const key = Object.keys(data).find(key => data[key] === numbers)
  return key === undefined ? `An operand of ${place}.residual` : `${place}.data.${key}`
}

function residualOf(
  residual: unknown,
  place: string,
  data: Readonly<Record<string, unknown>>,
  { inputs, outputs }: EquationModel,
): Tape {
  if (typeof residual !== 'function') {
    refuseType(`${place}.residual`, 'a function of symbols', residual, 'For example ({ u, x }) => u.d(0).minus(x[0]).')
  }
  const all = Array.from({ length: outputs }, (_, output) => new Field(output, inputs))
  const symbols: Symbols = {
    u: all[0]!,
    outputs: all,
    x: Array.from({ length: inputs.count }, (_, input) => coordinate(input)),
    data: Object.fromEntries(Object.keys(data).map(key => [key, symbolOf(data[key], `${place}.data.${key}`)])),
  }
  const found: unknown = residual(symbols)
  if (found instanceof Expression) return tapeOf(found)
  throw new KanTypeError({
    code: 'ERR_KAN_OPTION',
    message: `${place}.residual must return an expression of u, x and data`,
    hint: "Return what should vanish, made by methods: u.d('x', 'x').plus(u.d('y', 'y')).minus(data.f).",
    details: { option: `${place}.residual` },
  })
}

function symbolOf(numbers: unknown, name: string): Expression {
  if (typeof numbers === 'function' || Array.isArray(numbers) || isNumberArray(numbers)) {
    return expressionOf(numbers, name)
  }
  return refuseType(name, 'an array of one number for each point, or a function of the coordinates', numbers)
}
