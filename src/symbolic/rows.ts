/**
 * Rows that a formula is evaluated on, of any kind that models take: numbers in the order of the variables, or values by
 * their names.
 */

import { datasetParts, isDataset } from '../data/dataset.js'
import { frozen } from '../data/encoding.js'
import type { ModelColumns } from '../data/prediction.js'
import { KanError } from '../errors.js'
import { inputOf } from '../predict.js'
import { listed } from '../text/suggest.js'

/** Rows as native code takes them. */
interface Rows {
  readonly x: Float64Array
  readonly rows: number
  /** Whether it is a single row, so that there is a single result. */
  readonly single: boolean
}

function columnsOf(variables: readonly string[]): ModelColumns {
  const features = variables.map(name => ({ name, kind: 'number' as const, fill: null }))
  const encoding = frozen({ features, targets: [], classes: null })
  return { inputs: variables.length, outputs: 1, inputNames: variables, outputNames: null, encoding, classes: null }
}

/** Reads rows for a formula of these variables. A dataset with names may have other columns as well. */
export function rowsFor(value: unknown, variables: readonly string[]): Rows {
  if (!isDataset(value)) return inputOf(value, columnsOf(variables))
  const { x, rows, features, featureNames, named } = datasetParts(value)
  if (!named) return inputOf(value, columnsOf(variables))
  const places = variables.map(name => featureNames.indexOf(name))
  const missing = places.indexOf(-1)
  if (missing >= 0) {
    throw new KanError({
      code: 'ERR_KAN_DATA',
      message: `The dataset has no feature '${variables[missing]}', which is a variable of the formula`,
      hint: `Its features are ${listed(featureNames, 24)}.`,
      details: { expected: variables[missing], found: featureNames },
    })
  }
  const chosen = new Float64Array(rows * variables.length)
  for (let row = 0; row < rows; row++) {
    places.forEach((place, column) => {
      chosen[row * variables.length + column] = x[row * features + place]!
    })
  }
  return { x: chosen, rows, single: false }
}
