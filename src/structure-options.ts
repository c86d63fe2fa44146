/**
 * Options about grids, smoothness and sparsity, of fits and of the methods that change a model's structure.
 */

import { described, KanRangeError } from './errors.js'
import { optional } from './options.js'
import { choice, type Fields, fields, finite, flag, refuseType, whole } from './validate.js'

/** The words for `regularization`. */
export type RegularizationName = 'auto' | 'none'

/**
 * A prior of a given strength: `lambda·Σ ∫ (φ^(order))²`, over the splines of all edges in coordinates that run from 0
 * to 1 over the grid, and `ridge` times the sum of squares of all parameters.
 */
export interface RegularizationOptions {
  /** Which derivative is to be small, 1 to 6; 2 unless given. */
  order?: number
  /** Strength, at least 0. */
  lambda: number
  /** Strength of the ridge, at least 0; 0 unless given. */
  ridge?: number
}

/** How grids follow the values that arrive at them. */
export interface GridSpread {
  /** From 0, intervals that hold equally many values, to 1, intervals of equal width; 1 unless given. */
  uniform?: number | undefined
  /** Room on each side, as a part of the range of the values, from 0 to 1; 0.1 unless given. */
  margin?: number | undefined
}

/** When and how grids follow what their nodes receive during a fit. */
export interface GridUpdateOptions extends GridSpread {
  /** Steps between two updates, at least 1; 10 unless given. `'lm'` updates between its rounds instead. */
  every?: number | undefined
  /** The step after which there are no more; no end unless given. */
  until?: number | undefined
}

/** Strengths of terms that are added to the loss, each at least 0, and 0 unless given. */
export interface PenaltyOptions {
  /** Of the sum over all edges of the mean of `|φ(x)|` over the rows (Liu et al. 2024, equation 2.17). */
  l1?: number | undefined
  /** Of the entropy of these means in each layer, which gathers the work on few edges (equation 2.19). */
  entropy?: number | undefined
  /** Of the sum of the absolute control points, times the spline weights. */
  coefficient?: number | undefined
  /** Of the sum of the squared differences of neighbouring control points. */
  smoothness?: number | undefined
  /** Of the integral of the squared second derivative of the splines. */
  curvature?: number | undefined
}

const penaltyNames = ['l1', 'entropy', 'coefficient', 'smoothness', 'curvature'] as const
const unit = { min: 0, max: 1 }

/** Checks a list of ascending grids. */
export function gridSchedule(value: unknown): number[] {
  if (!Array.isArray(value)) refuseType('grid', 'a list of ascending whole numbers, such as [3, 5, 10]', value)
  const grids = Array.from(value, (grid: unknown, i) => whole(grid, `grid[${i}]`, { min: 1, max: 4096 }))
  const wrong = grids.findIndex((grid, i) => i > 0 && grid <= grids[i - 1]!)
  if (grids.length > 0 && wrong < 0) return grids
  const found = wrong < 0 ? described(value) : `${grids[wrong]} after ${grids[wrong - 1]}`
  throw new KanRangeError({
    code: 'ERR_KAN_OPTION',
    message: `grid must be a list of ascending grids; found ${found}`,
    hint: 'For example grid: [3, 5, 10, 20, 50].',
    details: { option: 'grid', expected: 'ascending grids', found: value },
  })
}

/** Checks the option `regularization`. */
export function regularization(value: unknown): unknown {
  if (typeof value === 'string') return choice<RegularizationName>(value, 'regularization', ['auto', 'none'])
  if (typeof value !== 'object' || value === null) {
    refuseType('regularization', "'auto', 'none' or an object such as { lambda: 1e-4 }", value)
  }
  const given = fields(value, 'regularization', ['order', 'lambda', 'ridge'])
  return {
    order: optional(given.order, v => whole(v, 'regularization.order', { min: 1, max: 6 })) ?? 2,
    lambda: finite(given.lambda, 'regularization.lambda', { min: 0 }),
    ridge: optional(given.ridge, v => finite(v, 'regularization.ridge', { min: 0 })) ?? 0,
  }
}

function gridSpread({ uniform, margin }: Fields, prefix = '') {
  return {
    uniform: optional(uniform, v => finite(v, `${prefix}uniform`, unit)),
    margin: optional(margin, v => finite(v, `${prefix}margin`, unit)),
  }
}

/** Checks the option `gridUpdate`. */
export function gridUpdate(value: unknown): unknown {
  if (typeof value === 'boolean') return { enabled: value }
  const given = fields(value, 'gridUpdate', ['every', 'until', 'uniform', 'margin'])
  return {
    every: optional(given.every, v => whole(v, 'gridUpdate.every', { min: 1 })),
    until: optional(given.until, v => whole(v, 'gridUpdate.until', { min: 0 })),
    ...gridSpread(given, 'gridUpdate.'),
  }
}

/** Checks the option `penalties`. */
export function penalties(value: unknown): unknown {
  const given = fields(value, 'penalties', penaltyNames)
  const strength = (name: string) => optional(given[name], v => finite(v, `penalties.${name}`, { min: 0 }))
  return Object.fromEntries(penaltyNames.map(name => [name, strength(name)]))
}

/** Checks the options of `updateGrid`, and writes them as JSON for native code. */
export function gridUpdateJson(value: unknown): string {
  const given = fields(value, 'the options of updateGrid', ['uniform', 'margin', 'inputs'])
  const { uniform = 1, margin = 0.1 } = gridSpread(given)
  const inputs = optional(given.inputs, v => flag(v, 'inputs')) ?? true
  return JSON.stringify({ uniform, margin, inputs })
}
