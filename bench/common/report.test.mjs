import { expect, test } from 'vitest'
import { bytes, digits, table, time, times } from './report.mjs'

test('times, ratios and sizes have three digits and a unit', () => {
  expect([0.0165, 0.5, 12.345, 999.9, 1234].map(time)).toEqual(['16.5 µs', '500 µs', '12.3 ms', '1000 ms', '1.23 s'])
  expect([time(undefined), times(undefined), times(4), times(123.4)]).toEqual(['–', '–', '4×', '123×'])
  expect([bytes(14.5e9), bytes(837e6)]).toEqual(['14.5 GB', '837 MB'])
  expect(digits(0.069)).toBe('0.069')
})

test('columns of a table are even, numbers to the right', () => {
  expect(
    table([
      ['', 'ms'],
      ['kanode', '1'],
      ['other', '100'],
    ]),
  ).toBe('           ms\n  kanode    1\n  other   100')
})
