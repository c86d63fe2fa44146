// What training reaches: bars on real and made data, from every seed.
import { fileURLToPath } from 'node:url'
import { Dataset, Kan, readCsv } from 'kanode'
import { expect, test } from 'vitest'
import { leastSquares, rmse } from '../../examples/baselines.mjs'

/** mulberry32: a small seeded generator, so that the data are the same on every run. */
function generator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** 1000 rows of exp(sin πx + y²) on [-1, 1]². */
function toy(seed: number): Dataset {
  const random = generator(seed)
  const rows = Array.from({ length: 1000 }, () => [2 * random() - 1, 2 * random() - 1])
  return new Dataset({ x: rows, y: rows.map(([x, y]) => Math.exp(Math.sin(Math.PI * x!) + y! * y!)) })
}

// Shown by the last test, so that a run tells the figures behind the bars.
const toyErrors: { seed: number; after100: number; after1000: number }[] = []

test.each(Array.from({ length: 10 }, (_, seed) => seed))('exp(sin πx + y²), [2,5,1], seed %i', async seed => {
  const test = toy(1000 + seed)
  const model = new Kan({ layers: [2, 5, 1], grid: 5, degree: 3, seed })
  await model.fit(toy(seed), { optimizer: 'lbfgs', steps: 100 })
  const after100 = (await model.evaluate(test)).rmse
  expect(after100).toBeLessThan(4e-2)
  await model.fit(toy(seed), { optimizer: 'lbfgs', steps: 900, resume: true })
  const after1000 = (await model.evaluate(test)).rmse
  toyErrors.push({ seed, after100, after1000 })
  expect(after1000).toBeLessThan(6e-3)
})

test('cars: below ordinary least squares on at least 8 of 10 splits, and on their mean', async () => {
  const path = fileURLToPath(new URL('../../examples/data/cars.csv', import.meta.url))
  const cars = await readCsv(path, { target: 'mpg', ignore: ['name'], missing: 'drop' })
  const errors: { kan: number; ols: number }[] = []
  for (let seed = 0; seed < 10; seed++) {
    const { train, test } = cars.split({ test: 0.2, seed })
    const model = new Kan({ layers: [train.features, 5, 1], grid: 5, degree: 3, seed })
    await model.fit(train, { optimizer: 'lbfgs', steps: 60, validation: 0.1 })
    errors.push({ kan: (await model.evaluate(test)).rmse, ols: rmse(leastSquares(train)(test), test) })
  }
  console.table(toyErrors)
  console.table(errors)
  const mean = (key: 'kan' | 'ols') => errors.reduce((sum, e) => sum + e[key], 0) / errors.length
  expect(errors.filter(e => e.kan < e.ols).length, JSON.stringify(errors)).toBeGreaterThanOrEqual(8)
  expect(mean('kan')).toBeLessThan(mean('ols'))
})
