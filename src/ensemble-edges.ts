/**
 * Curves of an edge over the members of an ensemble. Hidden nodes of models that started from different seeds have
 * nothing to do with each other by their numbers, so they are matched by what they compute.
 */

import { KanRangeError } from './errors.js'
import type { Kan } from './model.js'
import { type Spread, spreadOf } from './spread.js'

/** Which hidden node of a member was taken for that of the first. */
export interface NodeMatch {
  /** Index of the member. */
  readonly member: number
  /** Index of its node. */
  readonly to: number
  /** Correlation of what the two nodes compute, from −1 to 1; near 0 they have little in common. */
  readonly correlation: number
}

/** Mean and deviation of an edge's curve. */
export interface EdgeSpread extends Spread<Float64Array> {
  /** How hidden nodes were matched; `null` where none had to be. */
  readonly matches: readonly NodeMatch[] | null
}

/** Points of an input's grid at which nodes are compared. */
const samples = 64

/** Values about their mean. */
function centred(values: Float64Array): Float64Array {
  const mean = values.reduce((sum, value) => sum + value / values.length, 0)
  return values.map(value => value - mean)
}

/**
 * What a node of the first hidden layer computes, as centred values of its curves for each input. A node is the sum of
 * its curves, so over inputs that are spread evenly and independently of each other over their grids the covariance of
 * two nodes is the sum of the covariances of their curves.
 */
function nodeValues(model: Kan, to: number, grids: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(grids.length * samples)
  grids.forEach((x, from) => {
    all.set(centred(model.edge(0, from, to).evaluate(x)), from * samples)
  })
  return all
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0)
}

/** The grid of each input of the model's first layer, evenly. */
function inputGrids(model: Kan, to: number): Float64Array[] {
  return Array.from({ length: model.inputs }, (_, from) => {
    const [a, b] = model.edge(0, from, to).domain
    return Float64Array.from({ length: samples }, (_, i) => a + ((b - a) * i) / (samples - 1))
  })
}

/** The node of `model` that correlates best with `reference`, and what its curves are multiplied by. */
function matched(model: Kan, reference: Float64Array, grids: readonly Float64Array[]) {
  let best = { to: 0, correlation: 0, factor: 0 }
  for (let to = 0; to < model.layers[1]!; to++) {
    const values = nodeValues(model, to, grids)
    const [own, both] = [dot(values, values), dot(values, reference)]
    const size = Math.sqrt(own * dot(reference, reference))
    const correlation = size > 0 ? Math.max(-1, Math.min(1, both / size)) : 0
    if (Math.abs(correlation) > Math.abs(best.correlation)) best = { to, correlation, factor: both / own }
  }
  return best
}

/**
 * Mean and deviation of the curve of an edge over members of the same shape; see {@link Ensemble.edgeCurve}.
 *
 * @throws `RangeError` for an edge that does not exist or that leaves a hidden node.
 */
export function edgeSpread(
  members: readonly Kan[],
  layer: number,
  from: number,
  to: number,
  x: Float64Array,
): EdgeSpread {
  const first = members[0]!
  const curve = first.edge(layer, from, to).evaluate(x)
  if (first.layers.length === 2) {
    return { ...spreadOf(members.map(member => member.edge(layer, from, to).evaluate(x))), matches: null }
  }
  if (layer > 0) {
    throw new KanRangeError({
      code: 'ERR_KAN_OPTION',
      message: `layer must be 0 for members with hidden layers; found ${layer}`,
      hint: 'Hidden nodes of different seeds see different things, so curves of what leaves them cannot be compared.',
      details: { option: 'layer', expected: 0, found: layer },
    })
  }
  const grids = inputGrids(first, to)
  const reference = nodeValues(first, to, grids)
  const matches: NodeMatch[] = [{ member: 0, to, correlation: 1 }]
  // A constant may move from one curve of a node to another, so each is about its mean over the grid.
  const about = (model: Kan, node: number, factor: number) => {
    const edge = model.edge(0, from, node)
    const middle = edge.evaluate(grids[from]!).reduce((sum, value) => sum + value / samples, 0)
    return (model === first ? curve : edge.evaluate(x)).map(value => factor * (value - middle))
  }
  const curves = members.map((member, index) => {
    if (index === 0) return about(first, to, 1)
    const { to: node, correlation, factor } = matched(member, reference, grids)
    matches.push({ member: index, to: node, correlation })
    return about(member, node, factor)
  })
  return { ...spreadOf(curves), matches }
}
