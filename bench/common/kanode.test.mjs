import { expect, test } from 'vitest'
import { inNode, stepTime } from './kanode.mjs'
import { shapes } from './shapes.mjs'

test('the time of a step is that between the first record and the last', () => {
  const records = [
    { step: 1, seconds: 5 },
    { step: 2, seconds: 5.5 },
    { step: 11, seconds: 7 },
  ]
  expect(stepTime(records)).toBeCloseTo(200, 9)
})

test('kanode can be measured as a user meets it, but for the gradient alone', async () => {
  for (const shape of shapes.slice(0, 2)) {
    const rival = inNode(shape, { threads: 1 })
    expect(await rival.measure('gradient', 0.001)).toBe(null)
    for (const mode of ['forward', 'step']) expect(await rival.measure(mode, 0.001)).toBeGreaterThan(0)
  }
})
