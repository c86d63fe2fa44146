import { readdirSync, statSync } from 'node:fs'
import { expect, test } from 'vitest'
import { besselJ0, median, Random, row, samples } from './helpers.mjs'

test('J0 agrees with tabulated values', () => {
  // Abramowitz & Stegun, table 9.1, and the first zero.
  expect(besselJ0(0)).toBeCloseTo(1, 14)
  expect(besselJ0(1)).toBeCloseTo(0.765197686557967, 14)
  expect(besselJ0(-10)).toBeCloseTo(-0.245935764451348, 14)
  expect(besselJ0(2.404825557695773)).toBeCloseTo(0, 14)
})

test('numbers of a seed are the same each time, and those of another seed differ', () => {
  const draw = seed => samples(x => x, 1, seed)
  expect(draw(1)).toEqual(draw(1))
  expect(draw(2)[0].x).not.toEqual(draw(1)[0].x)
})

test('random numbers have the moments of their distribution', () => {
  const random = new Random(1)
  const draws = 100_000
  const moments = draw => {
    let [first, second] = [0, 0]
    for (let i = 0; i < draws; i++) {
      const value = draw()
      first += value / draws
      second += value ** 2 / draws
    }
    return [first, second]
  }
  // Five standard errors of each mean, which are at most sqrt(2 / draws).
  const close = 5 * Math.sqrt(2 / draws)
  const [mean, square] = moments(() => random.uniform(-1, 1))
  expect(Math.abs(mean)).toBeLessThan(close)
  expect(Math.abs(square - 1 / 3)).toBeLessThan(close)
  const [center, variance] = moments(() => random.normal())
  expect(Math.abs(center)).toBeLessThan(close)
  expect(Math.abs(variance - 1)).toBeLessThan(close)
})

test('the median of an even count lies between the two in the middle', () => {
  expect(median([4, 1, 3])).toBe(3)
  expect(median([4, 1, 2, 3])).toBe(2.5)
})

test('a figure is judged by its median unless it says otherwise, against its goal before the anchor', () => {
  const line = { name: 'a', values: [1, 2, 9], anchor: 3, source: '' }
  expect(row(line)).toMatchObject({ ours: 2, worst: 9, goal: 3, better: true })
  expect(row({ ...line, by: 'worst' }).better).toBe(false)
  expect(row({ ...line, goal: 1 }).better).toBe(false)
  expect(row({ ...line, higher: true })).toMatchObject({ worst: 1, better: false })
})

test('a seed that gave no number never reaches a goal', () => {
  const line = { name: 'a', values: [1, 1, Number.NaN], anchor: 3, source: '' }
  for (const by of ['median', 'mean', 'worst']) expect(row({ ...line, by }).better).toBe(false)
})

test('every file of numbers has four blocks of 1000 rows', () => {
  const folder = new URL('data/', import.meta.url)
  const files = readdirSync(folder).filter(name => name.endsWith('.f64'))
  expect(files).toHaveLength(15)
  for (const name of files) {
    const columns = name === 'points.f64' ? 2 : 1
    expect(statSync(new URL(name, folder)).size).toBe(4000 * 8 * columns)
  }
})
