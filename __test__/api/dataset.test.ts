import { inspect } from 'node:util'
import fc from 'fast-check'
import { Dataset, KanError } from 'kanode'
import { describe, expect, test } from 'vitest'
import { thrown } from './helpers.js'

const cars = [
  { weight: 3504, origin: 'USA', mpg: 18 },
  { weight: 2372, origin: 'Japan', mpg: 24 },
  { weight: 1835, origin: 'Europe', mpg: 26 },
  { weight: 3693, origin: 'USA', mpg: 15 },
]

describe('arrays', () => {
  test('rows and targets are copied', () => {
    const x = [
      [1, 2],
      [3, 4],
    ]
    const data = new Dataset({ x, y: [5, 6], weights: [1, 2] })
    x[0]![0] = 99
    expect([data.rows, data.features, data.targets]).toEqual([2, 2, 1])
    expect(data.x).toEqual({ data: Float64Array.of(1, 2, 3, 4), shape: [2, 2] })
    expect(data.y).toEqual({ data: Float64Array.of(5, 6), shape: [2, 1] })
    expect(data.weights).toEqual(Float64Array.of(1, 2))
    expect(data.featureNames).toEqual(['x1', 'x2'])
    expect(data.targetNames).toEqual(['y'])
    expect(data.encoding).toBeNull()
  })

  test('what a dataset hands out can be changed without changing it', () => {
    const data = new Dataset({ x: [[1]], y: [2], weights: [3] })
    data.x.data[0] = 9
    data.y.data[0] = 9
    data.weights![0] = 9
    expect([data.x.data[0], data.y.data[0], data.weights![0]]).toEqual([1, 2, 3])
  })

  test.each([
    Float64Array,
    Float32Array,
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
  ])('%o with a shape', Kind => {
    const data = new Dataset({ x: { data: Kind.from([1, 2, 3, 4, 5, 6]), shape: [2, 3] }, y: Kind.from([7, 8]) })
    expect(data.x.data).toEqual(Float64Array.of(1, 2, 3, 4, 5, 6))
    expect(data.y.data).toEqual(Float64Array.of(7, 8))
  })

  test('a view of a shared buffer is copied from where it begins', () => {
    const shared = new Float64Array(new SharedArrayBuffer(32))
    shared.set([1, 2, 3, 4])
    const data = new Dataset({ x: { data: shared.subarray(1), shape: [3, 1] } })
    shared.fill(9)
    expect(data.x.data).toEqual(Float64Array.of(2, 3, 4))
  })

  test('several targets, as rows or as a matrix', () => {
    const y = [
      [1, 2],
      [3, 4],
    ]
    const rows = new Dataset({ x: [[0], [1]], y, targetNames: ['a', 'b'] })
    const matrix = new Dataset({ x: [[0], [1]], y: { data: y.flat(), shape: [2, 2] } })
    expect(rows.y).toEqual(matrix.y)
    expect(rows.targetNames).toEqual(['a', 'b'])
    expect(matrix.targetNames).toEqual(['y1', 'y2'])
  })

  test('true and false are the targets 1 and 0', () => {
    const data = new Dataset({ x: [[0], [1], [2]], y: [true, false, true] })
    expect([data.y.data, data.classes]).toEqual([Float64Array.of(1, 0, 1), null])
    const mixed = thrown(() => new Dataset({ x: [[0], [1]], y: [2, true] as never }))
    expect(mixed.message).toMatch(/y\[1\] is true; expected a finite number[\s\S]*1 for true and 0 for false/)
    expect(thrown(() => new Dataset({ x: [[0], [1]], y: [true, 2] as never })).message).toMatch(
      /y\[1\] is 2; expected true or false/,
    )
  })

  test('class names and numbers are not mixed', () => {
    for (const y of [
      ['a', 1],
      [1, 'a'],
    ]) {
      const error = thrown(() => new Dataset({ x: [[0], [1]], y: y as never }))
      expect(error.code).toBe('ERR_KAN_LABEL')
      expect(error.message).toMatch(/y mixes class names and numbers: y\[1\] is /)
    }
  })

  test('texts that are numbers for the most part are no class names, unless they are said to be', () => {
    const x = [[0], [1], [2]]
    const error = thrown(() => new Dataset({ x, y: ['1', 'oops', '2'] }))
    expect(error.message).toMatch(/y\[1\] is 'oops', while 2 of the 3 texts in y[\s\S]*classes/)
    expect(new Dataset({ x, y: ['1', 'oops', '2'], classes: ['1', '2', 'oops'] }).y.data).toEqual(
      Float64Array.of(0, 2, 1),
    )
  })

  test('texts for targets become labels of sorted classes', () => {
    const data = new Dataset({ x: [[0], [1], [2]], y: ['b', 'a', 'b'] })
    expect(data.classes).toEqual(['a', 'b'])
    expect(data.y.data).toEqual(Float64Array.of(1, 0, 1))
    const ordered = new Dataset({ x: [[0], [1], [2]], y: ['b', 'a', 'b'], classes: ['b', 'a', 'c'] })
    expect(ordered.y.data).toEqual(Float64Array.of(0, 1, 0))
    const labels = new Dataset({ x: [[0], [1]], y: [0, 1], classes: ['no', 'yes'] })
    expect(labels.classes).toEqual(['no', 'yes'])
  })

  test('missing features are dropped or filled when that is asked for', () => {
    const x = [
      [1, 10],
      [null, 20],
      [3, Number.NaN],
      [8, 60],
    ]
    const y = [1, 2, 3, 4]
    expect(thrown(() => new Dataset({ x: x as number[][], y })).message).toContain('x[1][0] is null')
    const dropped = new Dataset({ x, y, weights: [1, 2, 3, 4], missing: 'drop' })
    expect(dropped.x.data).toEqual(Float64Array.of(1, 10, 8, 60))
    expect(dropped.y.data).toEqual(Float64Array.of(1, 4))
    expect(dropped.weights).toEqual(Float64Array.of(1, 4))
    expect(new Dataset({ x, y, missing: 'mean' }).x.data).toEqual(Float64Array.of(1, 10, 4, 20, 3, 30, 8, 60))
    expect(new Dataset({ x, y, missing: 'median' }).x.data).toEqual(Float64Array.of(1, 10, 3, 20, 3, 20, 8, 60))
  })

  test('a row without a target is dropped with the others', () => {
    const y = [1, Number.NaN, 3]
    expect(new Dataset({ x: [[1], [2], [3]], y, missing: 'drop' }).y.data).toEqual(Float64Array.of(1, 3))
    expect(thrown(() => new Dataset({ x: [[1], [2], [3]], y, missing: 'mean' })).message).toContain('y[1] is NaN')
  })
})

describe('class names with gaps', () => {
  const x = [[1], [2], [3], [null], [5]]

  test('rows without a label are dropped when that is asked for, and classes come from the rows that stay', () => {
    const data = new Dataset({
      x,
      y: ['b', null, 'a', 'only here', undefined],
      missing: 'drop',
      weights: [1, 0, 3, 4, 5],
    })
    expect(data.x.data).toEqual(Float64Array.of(1, 3))
    expect(data.y.data).toEqual(Float64Array.of(1, 0))
    expect(data.classes).toEqual(['a', 'b'])
    expect(data.weights).toEqual(Float64Array.of(1, 3))
    expect(new Dataset({ x: [[1], [2]], y: [null, 'a'], missing: 'drop' }).classes).toEqual(['a'])
  })

  test('they are refused otherwise, with advice that works', () => {
    for (const missing of ['refuse', 'mean', undefined] as const) {
      const error = thrown(() => new Dataset({ x: [[1], [2]], y: ['a', null], missing }))
      expect(error.code).toBe('ERR_KAN_DATA')
      expect(error.message).toMatch(/y\[1\] is missing[\s\S]*missing: 'drop'/)
    }
    const none = thrown(() => new Dataset({ x: [[null], [2]], y: ['a', null], missing: 'drop' }))
    expect(none).toMatchObject({ code: 'ERR_KAN_EMPTY', details: { rows: 2 } })
  })

  test('weights that are left after dropping must not all be zero', () => {
    const make = () => new Dataset({ x: [[1], [null]], weights: [0, 1], missing: 'drop' })
    expect(thrown(make).message).toMatch(/sum of weights is 0/)
    const rows = [{ a: 1 }, { a: null }]
    expect(thrown(() => Dataset.fromRows(rows, { weights: [0, 1], missing: 'drop' })).message).toMatch(/sum of weights/)
  })
})

describe('arrays that are refused', () => {
  const refusals: [string, () => unknown, string, RegExp, abstract new (...args: never[]) => Error][] = [
    ['no rows', () => new Dataset({ x: [] }), 'ERR_KAN_EMPTY', /x has no rows/, KanError],
    ['rows of nothing', () => new Dataset({ x: [[]] }), 'ERR_KAN_SHAPE', /x\[0\] has no columns/, KanError],
    [
      'a ragged row',
      () => new Dataset({ x: [[1, 2], [3]] }),
      'ERR_KAN_SHAPE',
      /x\[1\] has 1 column; the rows above have 2/,
      KanError,
    ],
    [
      'NaN',
      () => new Dataset({ x: [[1], [Number.NaN]] }),
      'ERR_KAN_NUMBER',
      /x\[1\]\[0\] is NaN; expected a finite number/,
      KanError,
    ],
    ['infinity', () => new Dataset({ x: [[1, -1 / 0]] }), 'ERR_KAN_NUMBER', /x\[0\]\[1\] is -Infinity/, KanError],
    ['a text', () => new Dataset({ x: [[1, '2']] as never }), 'ERR_KAN_NUMBER', /x\[0\]\[1\] is '2'/, TypeError],
    ['a bigint', () => new Dataset({ x: [[1n]] as never }), 'ERR_KAN_NUMBER', /x\[0\]\[0\] is 1n/, TypeError],
    [
      'a hole',
      () => new Dataset({ x: [Object.assign(new Array<number>(3), { 0: 1, 2: 3 })] }),
      'ERR_KAN_NUMBER',
      /x\[0\]\[1\] is undefined/,
      KanError,
    ],
    ['one list', () => new Dataset({ x: [1, 2, 3] as never }), 'ERR_KAN_SHAPE', /single list of 3 numbers/, TypeError],
    [
      'a typed array without shape',
      () => new Dataset({ x: Float64Array.of(1) as never }),
      'ERR_KAN_SHAPE',
      /without a shape/,
      TypeError,
    ],
    [
      'a wrong shape',
      () => new Dataset({ x: { data: [1, 2, 3], shape: [2, 2] } }),
      'ERR_KAN_SHAPE',
      /3 numbers; its shape \[2, 2\] needs 4/,
      KanError,
    ],
    [
      'a shape of -1',
      () => new Dataset({ x: { data: [1], shape: [-1, -1] } }),
      'ERR_KAN_OPTION',
      /x.shape must be two whole numbers/,
      TypeError,
    ],
    [
      'NaN in a matrix',
      () => new Dataset({ x: { data: [1, 2, Number.NaN], shape: [3, 1] } }),
      'ERR_KAN_NUMBER',
      /x, row 2, column 0, is NaN/,
      KanError,
    ],
    [
      'bigints',
      () => new Dataset({ x: { data: new BigInt64Array(1) as never, shape: [1, 1] } }),
      'ERR_KAN_OPTION',
      /x.data must be a typed array of numbers/,
      TypeError,
    ],
    [
      'too few targets',
      () => new Dataset({ x: [[1], [2]], y: [1] }),
      'ERR_KAN_SHAPE',
      /y has 1 row and x has 2/,
      KanError,
    ],
    ['NaN for a target', () => new Dataset({ x: [[1]], y: [Number.NaN] }), 'ERR_KAN_NUMBER', /y\[0\] is NaN/, KanError],
    [
      'labels and texts',
      () => new Dataset({ x: [[1], [2]], y: ['a', 1] as never }),
      'ERR_KAN_LABEL',
      /y\[1\] is 1; expected a class name/,
      TypeError,
    ],
    [
      'numbers in texts',
      () => new Dataset({ x: [[1], [2]], y: ['1', '2'] }),
      'ERR_KAN_NUMBER',
      /y\[0\] is '1'/,
      TypeError,
    ],
    [
      'an unknown class',
      () => new Dataset({ x: [[1]], y: ['c'], classes: ['a', 'b'] }),
      'ERR_KAN_DATA',
      /'c', which is no category/,
      KanError,
    ],
    [
      'a label of no class',
      () => new Dataset({ x: [[1]], y: [2], classes: ['a', 'b'] }),
      'ERR_KAN_LABEL',
      /y\[0\] is 2; expected a label from 0 to 1/,
      KanError,
    ],
    [
      'too few weights',
      () => new Dataset({ x: [[1], [2]], weights: [1] }),
      'ERR_KAN_SHAPE',
      /weights has 1 number; there are 2 rows/,
      KanError,
    ],
    [
      'a negative weight',
      () => new Dataset({ x: [[1], [2]], weights: [1, -1] }),
      'ERR_KAN_DATA',
      /weights\[1\] is -1/,
      KanError,
    ],
    [
      'no weight at all',
      () => new Dataset({ x: [[1], [2]], weights: [0, 0] }),
      'ERR_KAN_DATA',
      /sum of weights is 0/,
      KanError,
    ],
    [
      'too few names',
      () => new Dataset({ x: [[1, 2]], featureNames: ['a'] }),
      'ERR_KAN_SHAPE',
      /featureNames has 1 names; expected 2/,
      KanError,
    ],
    [
      'a name twice',
      () => new Dataset({ x: [[1, 2]], featureNames: ['a', 'a'] }),
      'ERR_KAN_OPTION',
      /the name 'a' twice/,
      TypeError,
    ],
    [
      'an unknown option',
      () => new Dataset({ x: [[1]], weight: [1] } as never),
      'ERR_KAN_OPTION',
      /Unknown option 'weight'[\s\S]*Did you mean 'weights'/,
      TypeError,
    ],
    ['nothing', () => new Dataset(undefined as never), 'ERR_KAN_OPTION', /the data must be an object/, TypeError],
    [
      'only gaps',
      () => new Dataset({ x: [[Number.NaN]], missing: 'drop' }),
      'ERR_KAN_EMPTY',
      /No row is left/,
      KanError,
    ],
    [
      'a column of gaps',
      () => new Dataset({ x: [[Number.NaN]], missing: 'mean' }),
      'ERR_KAN_DATA',
      /'x1' has no values/,
      KanError,
    ],
  ]
  test.each(refusals)('%s', (_, make, code, message, kind) => {
    const error = thrown(make)
    expect(error.code).toBe(code)
    expect(error.message).toMatch(message)
    expect(error).toBeInstanceOf(kind)
    if (code !== 'ERR_KAN_OPTION') expect(error.hint ?? '').not.toBe('')
  })

  test('row, column and name are in the details', () => {
    const error = thrown(
      () =>
        new Dataset({
          x: [
            [1, 2],
            [3, Number.NaN],
          ],
          featureNames: ['a', 'b'],
        }),
    )
    expect(error.message).toContain("x[1][1] (column 'b') is NaN")
    expect(error.details).toMatchObject({ row: 1, column: 1, name: 'b' })
  })
})

describe('split', () => {
  test('the same seed gives the same parts on every machine', () => {
    const data = new Dataset({
      x: Array.from({ length: 10 }, (_, i) => [i]),
      y: Array.from({ length: 10 }, (_, i) => 10 * i),
    })
    const { train, test: held } = data.split({ test: 0.3, seed: 7 })
    expect([train.rows, held.rows]).toEqual([7, 3])
    expect(held.x.data).toEqual(data.split({ test: 0.3, seed: 7 }).test.x.data)
    expect(held.x.data).not.toEqual(data.split({ test: 0.3, seed: 8 }).test.x.data)
    expect(Array.from(held.y.data)).toEqual(Array.from(held.x.data, x => 10 * x))
    expect(Array.from(held.x.data)).toMatchInlineSnapshot(`
      [
        6,
        5,
        8,
      ]
    `)
    expect(Array.from(data.split({ test: 0.3, seed: 2 ** 40 + 1 }).test.x.data)).toMatchInlineSnapshot(`
      [
        2,
        1,
        4,
      ]
    `)
  })

  test('names, classes, weights and encoding stay', () => {
    const data = Dataset.fromRows(cars, { target: 'origin', weights: 'mpg' })
    const { train } = data.split()
    expect([train.featureNames, train.classes, train.encoding]).toEqual([
      data.featureNames,
      data.classes,
      data.encoding,
    ])
    expect(train.weights).toHaveLength(3)
  })

  test('every row goes to one of the parts, whatever the fraction', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 60 }),
        fc.double({ min: 1e-9, max: 1 - 1e-9, noNaN: true }),
        fc.nat(),
        (n, part, seed) => {
          const data = new Dataset({ x: Array.from({ length: n }, (_, i) => [i]) })
          const { train, test: held } = data.split({ test: part, seed })
          expect(train.rows).toBeGreaterThan(0)
          expect(held.rows).toBeGreaterThan(0)
          const all = [...train.x.data, ...held.x.data].sort((a, b) => a - b)
          expect(all).toEqual(Array.from({ length: n }, (_, i) => i))
        },
      ),
    )
  })

  test('a fraction or seed out of range is refused', () => {
    const data = new Dataset({ x: [[1], [2]] })
    expect(thrown(() => data.split({ test: 1 }))).toBeInstanceOf(RangeError)
    expect(thrown(() => data.split({ test: 0 }))).toBeInstanceOf(RangeError)
    expect(thrown(() => data.split({ seed: -1 }))).toBeInstanceOf(RangeError)
    expect(thrown(() => data.split({ seed: '1' as never }))).toBeInstanceOf(TypeError)
    expect(thrown(() => data.split({ sead: 1 } as never)).message).toContain("Did you mean 'seed'")
    expect(thrown(() => new Dataset({ x: [[1]] }).split()).code).toBe('ERR_KAN_SHAPE')
  })
})

describe('properties', () => {
  const finite = fc.double({ noNaN: true, noDefaultInfinity: true })
  const matrix = fc
    .record({ rows: fc.integer({ min: 1, max: 8 }), columns: fc.integer({ min: 1, max: 5 }) })
    .chain(({ rows, columns }) =>
      fc.array(fc.array(finite, { minLength: columns, maxLength: columns }), { minLength: rows, maxLength: rows }),
    )

  test('every way to hand over the same numbers gives the same dataset', () => {
    fc.assert(
      fc.property(matrix, x => {
        const shape = [x.length, x[0]!.length] as const
        const names = x[0]!.map((_, i) => `c${i}`)
        const expected = Float64Array.from(x.flat())
        const columns = Object.fromEntries(names.map((name, i) => [name, x.map(row => row[i]!)]))
        const objects = x.map(row => Object.fromEntries(names.map((name, i) => [name, row[i]!])))
        for (const data of [
          new Dataset({ x }),
          new Dataset({ x: x.map(row => Float64Array.from(row)) }),
          new Dataset({ x: { data: x.flat(), shape } }),
          new Dataset({ x: { data: expected, shape } }),
          Dataset.fromColumns(columns),
          Dataset.fromRows(objects),
          Dataset.fromRows(x, { names }),
        ]) {
          expect(data.x.shape).toEqual([...shape])
          expect(data.x.data.every((value, i) => Object.is(value, expected[i]))).toBe(true)
        }
      }),
    )
  })

  test('one bad cell anywhere is found and named', () => {
    const bad = fc.constantFrom(Number.NaN, 1 / 0, -1 / 0, null, undefined, '1', {}, [], true)
    fc.assert(
      fc.property(matrix, fc.nat(), fc.nat(), bad, (x, r, c, cell) => {
        const row = r % x.length
        const column = c % x[0]!.length
        const copy = x.map(values => [...values] as unknown[])
        copy[row]![column] = cell
        const error = thrown(() => new Dataset({ x: copy as never }))
        expect(error.code).toBe('ERR_KAN_NUMBER')
        expect(error.details).toMatchObject({ row, column })
      }),
    )
  })

  test('categories are encoded as one 1 in each row, at the place of their name', () => {
    const word = fc.constantFrom('red', 'green', 'blue', 'a=b', '__proto__', 'constructor', '')
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 30 }), colours => {
        const data = Dataset.fromRows(colours.map(colour => ({ colour })))
        const { data: x, shape } = data.x
        colours.forEach((colour, row) => {
          const cells = Array.from(x.subarray(row * shape[1], (row + 1) * shape[1]))
          expect(cells.reduce((sum, cell) => sum + cell, 0)).toBe(1)
          expect(data.featureNames[cells.indexOf(1)]).toBe(`colour=${colour}`)
        })
      }),
    )
  })
})

test('a dataset is shown as a table', () => {
  const text = inspect(Dataset.fromRows(cars, { target: 'mpg', weights: [1, 2, 3, 4] }))
  expect(text).toMatch(/Dataset: 4 rows, 4 features, 1 target/)
  expect(text).toMatch(/column +kind +min +mean +max/)
  expect(text).toMatch(/weight +number +1835 +2851 +3693/)
  expect(text).toMatch(/origin=USA +zero or one/)
  expect(text).toMatch(/mpg +target/)
  expect(text).toMatch(/weights +1 to 4/)
  expect(String(Dataset.fromRows(cars, { target: 'origin' }))).toMatch(/origin +target, 3 classes/)
  const wide = new Dataset({ x: [Array.from({ length: 100 }, (_, i) => i)] })
  expect(inspect(wide)).toMatch(/not shown +76 columns/)
})
