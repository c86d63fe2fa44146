import { expect, test } from 'vitest'
import { pixels } from './fashion.mjs'
import { parseIdx } from './idx.mjs'

const file = Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 10, 20, 30, 40, 50, 60)

test('shape and numbers are read, also from a part of a larger buffer', () => {
  const expected = { shape: [2, 3], data: Uint8Array.of(10, 20, 30, 40, 50, 60) }
  expect(parseIdx(file)).toEqual(expected)
  const larger = new Uint8Array(file.length + 5)
  larger.set(file, 5)
  expect(parseIdx(larger.subarray(5))).toEqual(expected)
})

test('what is no such file is refused with the reason', () => {
  expect(() => parseIdx(Uint8Array.of(31, 139, 8, 0))).toThrow('two zeros')
  expect(() => parseIdx(file.with(2, 13))).toThrow('IDX type 13')
  expect(() => parseIdx(file.subarray(0, 10))).toThrow('within its sizes')
  expect(() => parseIdx(file.subarray(0, -1))).toThrow('5 numbers instead of 6')
})

test('grey values come to lie in [-1, 1]', () => {
  expect([...pixels(Uint8Array.of(0, 255, 51))]).toEqual([-1, 1, expect.closeTo(-0.6, 12)])
})
