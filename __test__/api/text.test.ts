import { expect, test } from 'vitest'
import { editDistance, listed, nearest, suggestion } from '../../src/text/suggest.js'
import { card, counted, cut, grouped, short, table } from '../../src/text/table.js'

test('the edit distance counts insertions, deletions, replacements and swaps of neighbours', () => {
  expect(editDistance('', 'abc')).toBe(3)
  expect(editDistance('grid', 'grid')).toBe(0)
  expect(editDistance('gird', 'grid')).toBe(1)
  expect(editDistance('kitten', 'sitting')).toBe(3)
})

test('the nearest name is found whatever its case, and none where none is near', () => {
  const names = ['grid', 'degree', 'learningRate']
  expect(nearest('gird', names)).toBe('grid')
  expect(nearest('DEGREE', names)).toBe('degree')
  expect(nearest('learning', names)).toBe('learningRate')
  expect(nearest('colour', names)).toBeUndefined()
  expect(suggestion('colour', names)).toBe("Known: 'grid', 'degree', 'learningRate'.")
})

test('long lists are cut', () => {
  expect(listed([])).toBe('none')
  expect(listed(['a', 'b', 'c'], 2)).toBe("'a', 'b', … (3 in all)")
})

test('numbers are written short', () => {
  expect([12, 0.1 + 0.2, 1234.5678, 2.5e-7, 1e21, Number.NaN].map(short)).toEqual([
    '12',
    '0.3',
    '1234.6',
    '2.500e-7',
    '1.000e21',
    'NaN',
  ])
  expect(grouped(1234567)).toBe('1 234 567')
  expect(counted(1, 'row')).toBe('1 row')
  expect(counted(2000, 'row')).toBe('2 000 rows')
  expect(cut('abcdef', 4)).toBe('abc…')
})

test('tables are aligned, numbers to the right', () => {
  expect(table([['a', 1] as const, ['bcd', 22] as const], ['name', 'n'])).toBe('  name   n\n  a      1\n  bcd   22')
  expect(card('Title', [['key', 'value']])).toBe('Title\n  key  value')
})
