/**
 * A look at a single edge of a network: its numbers and its curve.
 */

import { finiteNumbers, type NumberArray } from './data/rows.js'
import { native } from './errors.js'
import type { NativeModelHandle } from './native.js'
import { Formula } from './symbolic/formula.js'
import { card, inspectSymbol, short } from './text/table.js'
import { whole } from './validate.js'

/**
 * The function on one edge, `φ(x) = w_b·b(x) + w_s·Σ P_i N_i(x)`, as it was when it was asked for.
 *
 * Its units are the network's own. In the first layer `x` is the standardised input: with `s = model.scaler` (`null`:
 * no scaling) a value `u` of input `from` is at `x = (u − s.inputMean[from]) / s.inputScale[from]`, and `x` belongs to
 * `u = s.inputMean[from] + s.inputScale[from]·x`. The sums of the last layer are outputs in units of
 * `s.targetScale[to]` about `s.targetMean[to]`. What is between the layers has no units.
 */
export class Edge {
  /** Index of the layer of edges, from 0. */
  readonly layer: number
  /** Index of the input node. */
  readonly from: number
  /** Index of the output node. */
  readonly to: number
  /** `P_0 … P_{G+k-1}`, `[grid + degree]`. */
  readonly controlPoints: Float64Array
  /** `w_b`, the weight of the base function. */
  readonly baseWeight: number
  /** `w_s`, the weight of the spline. */
  readonly splineWeight: number
  /** All knots, `[grid + 2·degree + 1]`. */
  readonly knots: Float64Array
  /**
   * The function of `x` that the edge is instead of a spline, in the units of the data where the edge touches them; `null`
   * for a spline. See {@link Kan.fix}.
   */
  readonly formula: Formula | null
  /** Whether the numbers of that function are no parameters; see {@link Kan.lock}. */
  readonly locked: boolean
  /** The ends `[a, b]` of the spline's grid, in the units of `x`; beyond them it does what the option `outside` says. */
  readonly domain: readonly [a: number, b: number]
  readonly #curve: (x: Float64Array, out: Float64Array) => void

  /** @internal */
  constructor(model: NativeModelHandle, layer: unknown, from: unknown, to: unknown) {
    this.layer = whole(layer, 'layer', { min: 0 })
    this.from = whole(from, 'from', { min: 0 })
    this.to = whole(to, 'to', { min: 0 })
    const json = native(() => model.edge(this.layer, this.from, this.to))
    const numbers = JSON.parse(json) as {
      knots: number[]
      controlPoints: number[]
      baseWeight: number
      splineWeight: number
    }
    this.controlPoints = Float64Array.from(numbers.controlPoints)
    this.baseWeight = numbers.baseWeight
    this.splineWeight = numbers.splineWeight
    this.knots = Float64Array.from(numbers.knots)
    const text = native(() => model.edgeFormula(this.layer, this.from, this.to))
    const written = JSON.parse(text) as { formula: string; locked: boolean } | null
    this.formula = written === null ? null : Formula.fromJSON(written.formula)
    this.locked = written?.locked ?? false
    // There are degree knots before the grid and as many after it.
    const degree = this.knots.length - this.controlPoints.length - 1
    this.domain = [this.knots[degree]!, this.knots.at(-1 - degree)!]
    this.#curve = (x, out) => native(() => model.edgeCurve(this.layer, this.from, this.to, x, out))
  }

  /**
   * Values of the model's function on this edge, as it is now, at `x`.
   *
   * @param x Any number of finite points, in the layer's own units.
   * @returns One value for each point.
   */
  evaluate(x: NumberArray | readonly number[]): Float64Array {
    const points = finiteNumbers(x, 'x')
    const out = new Float64Array(x.length)
    this.#curve(points, out)
    return out
  }

  /** A summary. */
  toString(): string {
    const list = (numbers: Float64Array) => Array.from(numbers, short).join(', ')
    const title = `Edge: layer ${this.layer}, node ${this.from} to node ${this.to}`
    if (this.formula !== null) {
      const formula = this.formula.print('text', { digits: 5 })
      return card(title, [
        ['formula', `${formula}${this.locked ? ', locked' : ''}`],
        ['domain', `[${this.domain.map(short).join(', ')}]`],
      ])
    }
    return card(title, [
      ['base weight', short(this.baseWeight)],
      ['spline weight', short(this.splineWeight)],
      ['domain', `[${this.domain.map(short).join(', ')}]`],
      ['control points', list(this.controlPoints)],
      ['knots', list(this.knots)],
    ])
  }

  /** What `console.log` shows. */
  [inspectSymbol](): string {
    return this.toString()
  }
}
