import { Kan } from 'kanode'
import { expect, test } from 'vitest'
import { denseParameters, kanParameters, sameParameterLayers, shapes } from './shapes.mjs'

test('names of shapes are unique', () => {
  expect(new Set(shapes.map(({ name }) => name)).size).toBe(shapes.length)
})

test('parameters are counted as kanode counts them', () => {
  for (const grid of [5, 100]) {
    const layers = [7, 4, 3]
    expect(kanParameters(layers, grid)).toBe(new Kan({ layers, grid }).parameterCount)
  }
})

test('a fully connected network has a weight for each edge and a bias for each node', () => {
  expect(denseParameters([784, 64, 10])).toBe(784 * 64 + 64 + 64 * 10 + 10)
})

test.for(shapes)('$name: the network of the same number of parameters has it, but for a node or two', shape => {
  const { layers, grid } = shape
  const found = sameParameterLayers(layers, grid)
  expect(found[0]).toBe(layers[0])
  expect(found.at(-1)).toBe(layers.at(-1))
  expect(found).toHaveLength(Math.max(3, layers.length))
  // A node more in every hidden layer is as near as whole nodes come.
  const wider = found.map((nodes, i) => (i > 0 && i < found.length - 1 ? nodes + 1 : nodes))
  const step = denseParameters(wider) - denseParameters(found)
  expect(Math.abs(denseParameters(found) - kanParameters(layers, grid))).toBeLessThan(step)
})
