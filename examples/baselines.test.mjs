import { Dataset } from 'kanode'
import { expect, test } from 'vitest'
import { leastSquares, mean, rmse } from './baselines.mjs'

// Two numbers and the one-hot columns of a category, which add up to 1: a singular problem without the ridge.
const x = Array.from({ length: 40 }, (_, i) => {
  const kind = i % 3
  return [i / 10, Math.sin(i), Number(kind === 0), Number(kind === 1), Number(kind === 2)]
})
const linear = x.map(([a, b, k0, k1, k2]) => 2 - 3 * a + 0.5 * b + 10 * k0 + 20 * k1 - 5 * k2)

test('least squares recovers a linear function, with dependent columns too', () => {
  const data = new Dataset({ x, y: linear })
  expect(rmse(leastSquares(data)(data), data)).toBeLessThan(1e-6)
})

test('the residuals of least squares are orthogonal to every column', () => {
  const y = linear.map((value, i) => value + Math.cos(7 * i))
  const data = new Dataset({ x, y })
  const predicted = leastSquares(data)(data)
  for (const j of x[0].keys()) {
    const product = x.reduce((sum, row, i) => sum + row[j] * (y[i] - predicted[i]), 0)
    expect(Math.abs(product)).toBeLessThan(1e-6)
  }
})

test('least squares ignores a column that never changes', () => {
  const data = new Dataset({ x: linear.map(() => [7]), y: linear })
  expect(rmse(leastSquares(data)(data), data)).toBeCloseTo(rmse(mean(data)(data), data), 12)
})

test('the error of the mean is the standard deviation of the target', () => {
  const data = new Dataset({ x: [[0], [0]], y: [1, 3] })
  expect(rmse(mean(data)(data), data)).toBe(1)
})
