/**
 * Weights of classes, as the user gives them, turned into weights of rows: the only kind that training knows.
 */

import { checkTotalWeight } from './data/rows.js'
import type { DatasetParts } from './data/table.js'
import { KanError, KanRangeError } from './errors.js'
import type { LossName } from './history.js'
import { listed, suggestion } from './text/suggest.js'
import { type Fields, finite, ownFields, refuseShape, refuseType } from './validate.js'

/**
 * How much each class counts: `'balanced'` makes all that occur count the same in total, without changing the sum of
 * all weights; else a factor of at least 0 for each class, in the order of the classes or by name. Classes that an
 * object does not name keep the factor 1; classes without names are called `0`, `1`, ….
 */
export type ClassWeights = 'balanced' | readonly number[] | Readonly<Record<string, number>>

/** Class weights whose types have been checked. */
export type CheckedClassWeights = 'balanced' | readonly number[] | Fields

/**
 * Checks class weights as far as that needs no data.
 *
 * @throws `TypeError` for what is no list or object of numbers, `RangeError` for negative ones.
 */
export function classWeightsOption(value: unknown): CheckedClassWeights {
  if (value === 'balanced') return value
  const factor = (weight: unknown, name: string) => finite(weight, name, { min: 0 })
  if (Array.isArray(value)) return value.map((weight: unknown, index) => factor(weight, `classWeights[${index}]`))
  const expected = "'balanced', a list of numbers, or an object with a number for each class"
  if (typeof value === 'string') refuseType('classWeights', expected, value)
  const given = ownFields(value, 'classWeights', expected)
  for (const [name, weight] of Object.entries(given)) factor(weight, `classWeights['${name}']`)
  return given
}

/** What classes some data is about. */
interface Classes {
  readonly loss: LossName
  /** Number of outputs of the model. */
  readonly outputs: number
  readonly classes: readonly string[] | null
}

/** The factor of each class. */
export type ClassFactors = readonly number[]

function classCount({ loss, outputs }: Classes): number {
  if (loss === 'crossEntropy') return outputs
  if (loss !== 'binaryCrossEntropy') {
    throw new KanRangeError({
      code: 'ERR_KAN_OPTION',
      message: `classWeights are for the losses 'crossEntropy' and 'binaryCrossEntropy'; this fit has '${loss}'`,
      hint: 'To make some rows count more give the data weights.',
      details: { option: 'classWeights', found: loss },
    })
  }
  if (outputs === 1) return 2
  throw new KanError({
    code: 'ERR_KAN_LABEL',
    message: `The model has ${outputs} independent yes-or-no outputs, so a row has no single class for classWeights`,
    hint: 'Give the data weights for its rows, or train one model for each output.',
    details: { option: 'classWeights', outputs },
  })
}

/** How much of a row is in each class: `share(row, class)`, from labels or from probabilities. */
function sharesOf({ y, targets }: Readonly<DatasetParts>, loss: LossName): (row: number, label: number) => number {
  if (loss === 'binaryCrossEntropy') return (row, label) => (label === 1 ? y[row]! : 1 - y[row]!)
  return targets === 1 ? (row, label) => (y[row] === label ? 1 : 0) : (row, label) => y[row * targets + label]!
}

/** Factors that give each class that occurs the same sum of weights. */
function balanced(parts: Readonly<DatasetParts>, loss: LossName, count: number): ClassFactors {
  const share = sharesOf(parts, loss)
  const sums = new Array<number>(count).fill(0)
  for (let row = 0; row < parts.rows; row++) {
    const weight = parts.weights?.[row] ?? 1
    for (let label = 0; label < count; label++) sums[label]! += weight * share(row, label)
  }
  const present = sums.filter(sum => sum > 0)
  const mean = present.reduce((total, sum) => total + sum, 0) / present.length
  return sums.map(sum => (sum > 0 ? mean / sum : 1))
}

/**
 * The factor of each class for the training data.
 *
 * @throws {@link KanError} `ERR_KAN_SHAPE` for another number of classes, `ERR_KAN_LABEL` for the name of no class or
 *   a model without a single class for each row, `RangeError` for a loss that is not about classes.
 */
export function classFactors(given: CheckedClassWeights, parts: Readonly<DatasetParts>, about: Classes): ClassFactors {
  const count = classCount(about)
  if (given === 'balanced') return balanced(parts, about.loss, count)
  const names = Array.from({ length: count }, (_, label) => about.classes?.[label] ?? String(label))
  if (Array.isArray(given)) {
    if (given.length === count) return given
    const message = `classWeights has ${given.length} numbers; there are ${count} classes: ${listed(names)}`
    refuseShape(message, { expected: count, found: given.length }, 'Give one number for each class.')
  }
  const factors = given as Fields
  for (const name of Object.keys(factors)) {
    if (names.includes(name)) continue
    throw new KanError({
      code: 'ERR_KAN_LABEL',
      message: `classWeights names the class '${name}'; the classes are ${listed(names)}`,
      hint: suggestion(name, names),
      details: { option: 'classWeights', expected: names, found: name },
    })
  }
  return names.map(name => (Object.hasOwn(factors, name) ? (factors[name] as number) : 1))
}

/**
 * The same data with each row's weight multiplied by the factor of its class; by the mean of the factors where the
 * targets are probabilities.
 *
 * @throws {@link KanError} `ERR_KAN_DATA` if no row has any weight left.
 */
export function withClassFactors(
  parts: Readonly<DatasetParts>,
  factors: ClassFactors,
  loss: LossName,
): Readonly<DatasetParts> {
  const share = sharesOf(parts, loss)
  const weights = Float64Array.from({ length: parts.rows }, (_, row) => {
    const factor = factors.reduce((sum, factor, label) => sum + factor * share(row, label), 0)
    return (parts.weights?.[row] ?? 1) * factor
  })
  return { ...parts, weights: checkTotalWeight(weights, 'weights and classWeights') }
}
