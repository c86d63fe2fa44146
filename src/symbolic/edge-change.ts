/**
 * What an edge of a model is told to be: a family's function, a formula, nothing, a spline.
 */

import type { PredictInput, TrainingData } from '../data/prediction.js'
import { native } from '../errors.js'
import { familyNames, NativeModel, type NativeModelHandle } from '../native.js'
import type { EdgePlace } from '../prune-options.js'
import { choice, fields, refuseType, whole } from '../validate.js'
import { explained } from './faults.js'
import { Formula } from './formula.js'
import { familyList } from './suggest.js'

/**
 * What an edge may be fixed to: the name of a family, whose nearest function is taken; `'zero'`; a formula of one
 * variable, whose decimals are parameters of the model from then on; or a formula of `x` and constants by name, whose
 * values are found as those of a family.
 */
export type EdgeFunction = 'zero' | (string & {}) | Formula

/** How the function of a family is found. */
export interface FixOptions {
  /** Rows for which the edge's input is computed: the function is the nearest where they are. */
  data?: TrainingData | PredictInput | undefined
}

/** Checks which edge is meant. */
export function edgePlace(value: unknown, what: string): EdgePlace {
  const given = fields(value, what, ['layer', 'from', 'to'])
  const at = (name: 'layer' | 'from' | 'to') => whole(given[name], name, { min: 0 })
  return { layer: at('layer'), from: at('from'), to: at('to') }
}

/** What native code is told an edge is to be. */
export function edgeChange(value: unknown): unknown {
  if (value instanceof Formula) {
    const json = value.print('json')
    return value.variables.length > 1 ? { family: { formula: json } } : { formula: json }
  }
  if (typeof value !== 'string') {
    refuseType('The second argument of fix', "the name of a family, 'zero', or a Formula", value)
  }
  if (choice(value, 'the family', ['zero', ...native(() => familyNames())]) === 'zero') {
    return { formula: Formula.parse('0').print('json') }
  }
  return { family: familyList([value])[0] }
}

/** The bytes of a model with a change on an edge. */
export function changedEdge(
  model: NativeModelHandle,
  { layer, from, to }: EdgePlace,
  change: unknown,
  { x, rows }: { readonly x: Float64Array; readonly rows: number },
): NativeModelHandle {
  try {
    const bytes = native(() => model.changeEdge(layer, from, to, JSON.stringify(change), x, rows))
    return native(() => NativeModel.decode(bytes))
  } catch (error) {
    throw explained(error)
  }
}
