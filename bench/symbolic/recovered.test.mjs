import { expect, test } from 'vitest'
import { recovered } from './recovered.mjs'
import { kindNames, unseenProblems } from './unseen.mjs'

const ranges = [[1, 3]]
const law = ([x]) => Math.exp(-x) * x

test('a law is recovered up to an offset or a scale', () => {
  expect(recovered(law, law, ranges)).toBe(true)
  expect(recovered(row => 3 * law(row), law, ranges)).toBe(true)
  expect(recovered(row => law(row) - 7, law, ranges)).toBe(true)
  expect(recovered(row => 3 * law(row) - 7, law, ranges)).toBe(false)
})

test('what is right in the range only, or nearly right, is not recovered', () => {
  expect(recovered(([x]) => (x < 3 ? law([x]) : 0), law, ranges)).toBe(false)
  expect(recovered(([x]) => law([x]) * (1 + 1e-7 * x), law, ranges)).toBe(false)
  expect(recovered(([x]) => (x < 4.9 ? law([x]) : Number.NaN), law, ranges)).toBe(false)
})

test('points where the law has no value are left out', () => {
  expect(
    recovered(
      ([x]) => Math.sqrt(Math.abs(4 - x)),
      ([x]) => Math.sqrt(4 - x),
      ranges,
    ),
  ).toBe(true)
})

test('unseen problems are the same for a seed and differ between seeds', () => {
  const formulas = seed => unseenProblems({ seed, each: 3 }).map(({ formula }) => formula)
  expect(formulas(1)).toEqual(formulas(1))
  expect(formulas(1)).not.toEqual(formulas(2))
  expect(formulas(1)).toHaveLength(3 * kindNames.length)
})
