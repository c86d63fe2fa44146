// Columns may have any name, those that every JavaScript object inherits too.
import { Dataset, Kan, parseCsv } from 'kanode'
import { describe, expect, test } from 'vitest'
import { firstDuplicate, madeUpNames } from '../../src/data/names.js'

const inherited = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf']

/** An object whose own fields are these, whatever they are called. */
function own<Value>(...entries: [string, Value][]): Record<string, Value> {
  return Object.fromEntries(entries)
}

describe.each(inherited)('a name like %s', name => {
  const rows = [own<number | string | null>(['a', 1], [name, 2]), own<number | string | null>(['a', 3], [name, 4])]

  test('is a column of row objects', () => {
    const data = Dataset.fromRows(rows, { target: name })
    expect([data.featureNames, data.targetNames]).toEqual([['a'], [name]])
    expect(data.y.data).toEqual(Float64Array.of(2, 4))
  })

  test('is missing in a row object that does not have it', () => {
    const data = Dataset.fromRows([...rows, own<number | string | null>(['a', 5])], { missing: 'mean' })
    expect(data.x.data).toEqual(Float64Array.of(1, 2, 3, 4, 5, 3))
  })

  test('is a column of columns, of rows with names and of CSV', () => {
    const expected = Dataset.fromRows(rows, { target: 'a' })
    for (const data of [
      Dataset.fromColumns(own(['a', [1, 3]], [name, [2, 4]]), { target: 'a' }),
      Dataset.fromRows(
        [
          [1, 2],
          [3, 4],
        ],
        { names: ['a', name], target: 'a' },
      ),
      parseCsv(`a,${name}\n1,2\n3,4\n`, { target: 'a' }),
    ]) {
      expect([data.x, data.y, data.encoding]).toEqual([expected.x, expected.y, expected.encoding])
    }
  })

  test('is a category and a class', () => {
    const data = Dataset.fromRows(
      [
        { kind: name, to: 'x' },
        { kind: 'x', to: name },
        { kind: null, to: name },
      ],
      {
        target: 'to',
        missing: 'median',
      },
    )
    expect([...data.classes!].sort()).toEqual([name, 'x'].sort())
    expect(data.featureNames).toContain(`kind=${name}`)
    expect(new Dataset({ x: [[1], [2]], y: ['x', name] }).classes).toHaveLength(2)
  })

  test('is a field of its own in what a model predicts', async () => {
    const data = Dataset.fromRows(rows, { target: name })
    const model = new Kan({ layers: [1, 1] })
    await model.fit(data, { steps: 1 })
    const again = Kan.fromBytes(model.toBytes())
    const [found] = await again.predict([{ a: 2 }])
    expect(Object.keys(found!)).toEqual([name])
    expect(Object.getOwnPropertyDescriptor(found, name)?.value).toBeTypeOf('number')
    expect(Object.getPrototypeOf(found)).toBe(Object.prototype)
  })
})

test('a name that is there twice is found', () => {
  expect(firstDuplicate(['a', 'b', '__proto__'])).toBeUndefined()
  expect(firstDuplicate(['a', 'b', 'c', 'b', 'a'])).toBe('b')
})

test('names are made up from 1, and a target alone is y', () => {
  expect(madeUpNames('x', 2)).toEqual(['x1', 'x2'])
  expect(madeUpNames('x', 1)).toEqual(['x1'])
  expect(madeUpNames('y', 1)).toEqual(['y'])
})

test('tens of thousands of columns are read', () => {
  const names = Array.from({ length: 40_000 }, (_, i) => `c${i}`)
  const values = names.map((_, i) => i)
  const last = names.at(-1)!
  const expected = Float64Array.from(values.slice(0, -1))
  const samples = new Dataset({ x: [values], featureNames: names })
  expect(samples.x.data).toEqual(Float64Array.from(values))
  for (const data of [
    Dataset.fromRows([values], { names, target: last }),
    Dataset.fromColumns(Object.fromEntries(names.map((name, i) => [name, [i]])), { target: last }),
    parseCsv(`${names.join()}\n${values.join()}\n`, { target: last }),
    Dataset.fromRows([values], {
      names,
      encoding: parseCsv(`${names.join()}\n${values.join()}\n`, { target: last }).encoding!,
    }),
  ]) {
    expect(data.x.data).toEqual(expected)
  }
})
