/** Layers beyond the cache move while their gradients are made: what wants to see gradients first still does. */
import { Kan } from 'kanode'
import { expect, test } from 'vitest'

const inputs = 60
const x = Array.from({ length: 20 }, (_, row) =>
  Array.from({ length: inputs }, (_, column) => 2 * ((row * 0.754877666 + column * 0.569840291) % 1) - 1),
)
const y = x.map(([a, b]) => Math.sin(3 * a!) + b! ** 2)
const wide = () => new Kan({ layers: [inputs, 2400, 1], dtype: 'f32', seed: 3 })
const adam = { optimizer: 'adam', learningRate: 1e-4, steps: 3 } as const

test('the bits of a wide network are those of the way with penalties, and penalties have their say', async () => {
  const fitted = async (penalties: { l1?: number; coefficient?: number }) => {
    const model = wide()
    await model.fit({ x, y }, { ...adam, penalties })
    return Buffer.from(model.parameters.buffer)
  }
  const plain = await fitted({})
  // So small that it changes nothing.
  expect(plain.equals(await fitted({ l1: 1e-300 }))).toBe(true)
  expect(plain.equals(await fitted({ coefficient: 10 }))).toBe(false)
})

test('pruned edges of a wide network stay pruned, and the step is still one down the slope', async () => {
  const model = wide()
  await model.fit({ x, y }, adam)
  const pruned = await model.prune({ x, y }, { remove: { edges: [{ layer: 0, from: 1, to: 2 }] } })
  const before = (await pruned.evaluate({ x, y })).rmse
  await pruned.fit({ x, y }, adam)
  expect((await pruned.evaluate({ x, y })).rmse).toBeLessThan(before)
  expect([...pruned.edge(0, 1, 2).evaluate([-1, 0, 1])]).toEqual([0, 0, 0])
})
