// The networks that the speed benchmarks measure, with their batches.

/**
 * @typedef {object} Shape
 * @property {string} name
 * @property {number[]} layers numbers of nodes, inputs first
 * @property {number} batch rows of a step
 * @property {number} grid intervals of each spline
 */

const of = (layers, batch, grid = 5) => ({ name: nameOf(layers, batch, grid), layers, batch, grid })

/** What a shape is called on the command line and in results: `784-64-10/64`, with `/G100` where the grid is not 5. */
export const nameOf = (layers, batch, grid = 5) => `${layers.join('-')}/${batch}${grid === 5 ? '' : `/G${grid}`}`

/** @type {readonly Shape[]} */
export const shapes = [
  of([2, 5, 1], 1),
  of([2, 5, 1], 1000),
  of([21, 64, 64, 24], 1),
  of([21, 64, 64, 24], 16),
  of([21, 64, 64, 24], 64),
  of([21, 64, 64, 24], 256),
  of([784, 64, 10], 64),
  of([784, 64, 10], 1024),
  of([64, 64, 64], 4096),
  of([1000, 1000, 1], 100),
  of([100, 1000, 1], 1000),
  of([784, 10], 200, 10),
  of([784, 10], 200, 100),
  of([784, 10], 200, 500),
]

/** The shape of the memory benchmark. */
export const memoryShape = of([784, 256, 256, 256, 256, 10], 36_864)

/** A shape as people write it. */
export const titleOf = ({ layers, batch, grid }) =>
  `${layers.join(' → ')}, batch ${batch.toLocaleString('en')}${grid === 5 ? '' : `, ${grid} intervals`}`

/** Pairs of neighbouring layers. */
export const pairsOf = layers => layers.slice(1).map((outputs, i) => [layers[i], outputs])

/** Parameters of a fully connected network with biases. */
export const denseParameters = layers => pairsOf(layers).reduce((sum, [i, o]) => sum + i * o + o, 0)

/** Parameters of a cubic KAN: control points, a base weight and a spline weight for each edge. */
export const kanParameters = (layers, grid) => pairsOf(layers).reduce((sum, [i, o]) => sum + i * o * (grid + 5), 0)

/**
 * Layers of the fully connected network that has as many parameters as a KAN, as nearly as hidden layers of its
 * proportions allow. A network without hidden nodes gets one hidden layer.
 */
export function sameParameterLayers(layers, grid) {
  const goal = kanParameters(layers, grid)
  const shape = layers.length > 2 ? layers.slice(1, -1) : [1]
  const widened = factor => [layers[0], ...shape.map(n => Math.max(1, Math.round(n * factor))), layers.at(-1)]
  let [low, high] = [0, goal]
  while (high - low > 1e-9 * high) {
    const middle = (low + high) / 2
    if (denseParameters(widened(middle)) < goal) low = middle
    else high = middle
  }
  const miss = candidate => Math.abs(denseParameters(candidate) - goal)
  return [widened(low), widened(high)].sort((a, b) => miss(a) - miss(b))[0]
}
