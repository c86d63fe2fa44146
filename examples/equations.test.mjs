import { expect, test } from 'vitest'
import { solve as burgers } from './burgers.mjs'
import { solve as poisson } from './poisson.mjs'

test("Poisson's equation is solved", async () => {
  const { rmse } = await poisson({ points: 400, steps: 30, grid: [3, 6] })
  expect(rmse).toBeLessThan(3e-3)
})

test("Burgers' equation gives its travelling wave", async () => {
  const { worst } = await burgers({ nodes: 3, points: 300, steps: 40 })
  expect(worst).toBeLessThan(1e-2)
})
