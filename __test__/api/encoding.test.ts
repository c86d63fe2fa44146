// Datasets from named columns: what becomes a feature, and how other rows are read alike.
import fc from 'fast-check'
import { Dataset, Kan, type KanError } from 'kanode'
import { describe, expect, test } from 'vitest'
import { thrown } from './helpers.js'

const cars = [
  { weight: 3504, origin: 'USA', mpg: 18 },
  { weight: 2372, origin: 'Japan', mpg: 24 },
  { weight: 1835, origin: 'Europe', mpg: 26 },
  { weight: 3693, origin: 'USA', mpg: 15 },
]

describe('named columns', () => {
  test('row objects: numbers as they are, texts one-hot by sorted value', () => {
    const data = Dataset.fromRows(cars, { target: 'mpg' })
    expect(data.featureNames).toEqual(['weight', 'origin=Europe', 'origin=Japan', 'origin=USA'])
    expect(data.x.data.subarray(0, 8)).toEqual(Float64Array.of(3504, 0, 0, 1, 2372, 0, 1, 0))
    expect(data.y.data).toEqual(Float64Array.of(18, 24, 26, 15))
    expect(data.encoding).toEqual({
      features: [
        { name: 'weight', kind: 'number', fill: null },
        { name: 'origin', kind: 'category', categories: ['Europe', 'Japan', 'USA'], fill: null },
      ],
      targets: ['mpg'],
      classes: null,
    })
  })

  test('columns and rows with names give the same', () => {
    const expected = Dataset.fromRows(cars, { target: 'mpg' })
    const columns = Dataset.fromColumns(
      { weight: Int32Array.of(3504, 2372, 1835, 3693), origin: cars.map(c => c.origin), mpg: cars.map(c => c.mpg) },
      { target: 'mpg' },
    )
    const rows = Dataset.fromRows(
      cars.map(car => [car.weight, car.origin, car.mpg]),
      { names: ['weight', 'origin', 'mpg'], target: ['mpg'] },
    )
    for (const data of [columns, rows]) {
      expect([data.x, data.y, data.encoding]).toEqual([expected.x, expected.y, expected.encoding])
    }
  })

  test('a text target makes classes', () => {
    const data = Dataset.fromRows(cars, { target: 'origin' })
    expect(data.classes).toEqual(['Europe', 'Japan', 'USA'])
    expect(data.y.data).toEqual(Float64Array.of(2, 1, 0, 2))
  })

  test('true and false are 1 and 0', () => {
    const data = Dataset.fromRows([{ a: true }, { a: false }, { a: true }])
    expect(data.x.data).toEqual(Float64Array.of(1, 0, 1))
  })

  test('numbers that are names become categories when listed', () => {
    const rows = [{ zip: 10115 }, { zip: 20095 }, { zip: 10115 }]
    const data = Dataset.fromRows(rows, { categorical: 'zip' })
    expect(data.featureNames).toEqual(['zip=10115', 'zip=20095'])
    const again = Dataset.fromRows([{ zip: 20095 }], { encoding: data.encoding! })
    expect(again.x.data).toEqual(Float64Array.of(0, 1))
  })

  test('an ignored column may hold anything', () => {
    const data = Dataset.fromRows([{ a: 1, when: new Date() as never }], { ignore: 'when' })
    expect(data.featureNames).toEqual(['a'])
  })

  test('weights come from a column or an array', () => {
    const column = Dataset.fromRows(cars, { target: 'mpg', weights: 'weight' })
    expect(column.weights).toEqual(Float64Array.of(3504, 2372, 1835, 3693))
    expect(column.featureNames).not.toContain('weight')
    expect(Dataset.fromRows(cars, { target: 'mpg', weights: [1, 2, 3, 4] }).weights).toEqual(
      Float64Array.of(1, 2, 3, 4),
    )
  })

  test('missing values are refused, dropped or filled', () => {
    const rows = [...cars, { weight: null, origin: 'USA', mpg: 20 }, { weight: 2000, mpg: 30 }]
    const refused = thrown(() => Dataset.fromRows(rows, { target: 'mpg' }))
    expect(refused.code).toBe('ERR_KAN_DATA')
    expect(refused.message).toMatch(/rows\[4\]\.weight is missing[\s\S]*missing: 'drop'/)
    const dropped = Dataset.fromRows(rows, { target: 'mpg', missing: 'drop', weights: [1, 2, 3, 4, 5, 6] })
    expect(dropped.rows).toBe(4)
    expect(dropped.weights).toEqual(Float64Array.of(1, 2, 3, 4))
    const mean = Dataset.fromRows(rows, { target: 'mpg', missing: 'mean' })
    expect(mean.x.data[4 * 4]).toBeCloseTo((3504 + 2372 + 1835 + 3693 + 2000) / 5)
    expect(mean.x.data.subarray(20)).toEqual(Float64Array.of(2000, 0, 0, 1))
    const median = Dataset.fromRows(rows, { target: 'mpg', missing: 'median' })
    expect(median.x.data[4 * 4]).toBe(2372)
    const unknown = Dataset.fromRows([{ weight: null, origin: null }], { encoding: median.encoding! })
    expect(unknown.x.data).toEqual(Float64Array.of(2372, 0, 0, 1))
  })

  test('a missing target is never filled', () => {
    const rows = [...cars, { weight: 1, origin: 'USA', mpg: null }]
    const error = thrown(() => Dataset.fromRows(rows, { target: 'mpg', missing: 'mean' }))
    expect(error.message).toMatch(/rows\[4\]\.mpg is missing[\s\S]*'drop'/)
    expect(Dataset.fromRows(rows, { target: 'mpg', missing: 'drop' }).rows).toBe(4)
  })

  test('other rows are encoded as the first were, with or without targets', () => {
    const { encoding } = Dataset.fromRows(cars, { target: 'mpg' })
    const without = Dataset.fromRows([{ origin: 'Japan', weight: 1 }], { encoding: encoding! })
    expect(without.x.data).toEqual(Float64Array.of(1, 0, 1, 0))
    expect(without.targets).toBe(0)
    const withTarget = Dataset.fromRows([{ mpg: 7, origin: 'Japan', weight: 1, colour: 'red' }], {
      encoding: encoding!,
    })
    expect(withTarget.y.data).toEqual(Float64Array.of(7))
  })

  const refusals: [string, () => unknown, string, RegExp][] = [
    [
      'an unknown target',
      () => Dataset.fromRows(cars, { target: 'mgp' }),
      'ERR_KAN_OPTION',
      /no column 'mgp'[\s\S]*Did you mean 'mpg'/,
    ],
    [
      'an unknown column to ignore',
      () => Dataset.fromRows(cars, { ignore: 'nmae' }),
      'ERR_KAN_OPTION',
      /no column 'nmae' \(ignore\)/,
    ],
    [
      'an unknown option',
      () => Dataset.fromRows(cars, { targets: 'mpg' } as never),
      'ERR_KAN_OPTION',
      /Did you mean 'target'/,
    ],
    [
      'an unknown policy',
      () => Dataset.fromRows(cars, { missing: 'dropp' as never }),
      'ERR_KAN_OPTION',
      /Did you mean 'drop'/,
    ],
    [
      'a target that is ignored',
      () => Dataset.fromRows(cars, { target: 'mpg', ignore: 'mpg' }),
      'ERR_KAN_OPTION',
      /target and also something else/,
    ],
    ['nothing to learn from', () => Dataset.fromRows([{ a: 1 }], { target: 'a' }), 'ERR_KAN_DATA', /No column is left/],
    [
      'two text targets',
      () => Dataset.fromRows(cars, { target: ['origin', 'mpg'] }),
      'ERR_KAN_OPTION',
      /with several targets all must be numbers/,
    ],
    [
      'mixed kinds',
      () => Dataset.fromRows([{ a: 1 }, { a: 'x' }]),
      'ERR_KAN_DATA',
      /rows\[1\]\.a is 'x', but rows\[0\]\.a is a number/,
    ],
    [
      'a date',
      () => Dataset.fromRows([{ a: new Date() as never }]),
      'ERR_KAN_DATA',
      /rows\[0\]\.a is an object of class Date/,
    ],
    ['infinity', () => Dataset.fromRows([{ 'a b': 1 / 0 }]), 'ERR_KAN_NUMBER', /rows\[0\]\["a b"\] is Infinity/],
    [
      'numbers in texts',
      () => Dataset.fromRows([{ a: '1' }, { a: '2' }]),
      'ERR_KAN_DATA',
      /numbers written as text, such as '1'/,
    ],
    [
      'an empty column',
      () => Dataset.fromRows([{ a: null, b: 1 }], { missing: 'mean' }),
      'ERR_KAN_DATA',
      /'a' has no values/,
    ],
    ['nothing but gaps', () => Dataset.fromRows([{ a: null }], { missing: 'drop' }), 'ERR_KAN_EMPTY', /No row is left/],
    ['no rows', () => Dataset.fromRows([]), 'ERR_KAN_EMPTY', /rows has no rows/],
    ['rows without names', () => Dataset.fromRows([[1, 2]]), 'ERR_KAN_OPTION', /names must be/],
    [
      'a row too short',
      () => Dataset.fromRows([[1, 2], [3]], { names: ['a', 'b'] }),
      'ERR_KAN_SHAPE',
      /rows\[1\] has 1 cell; expected 2/,
    ],
    [
      'a row of another kind',
      () => Dataset.fromRows([{ a: 1 }, [1] as never]),
      'ERR_KAN_OPTION',
      /rows\[1\] must be an object/,
    ],
    [
      'columns of other lengths',
      () => Dataset.fromColumns({ a: [1], b: [1, 2] }),
      'ERR_KAN_SHAPE',
      /columns\.b has 2 cells; columns\.a has 1/,
    ],
    [
      'a column that is no list',
      () => Dataset.fromColumns({ a: 1 as never }),
      'ERR_KAN_OPTION',
      /columns\.a must be an array/,
    ],
    [
      'a name twice',
      () => Dataset.fromRows([[1, 2]], { names: ['a', 'a'] }),
      'ERR_KAN_OPTION',
      /names has the name 'a' twice/,
    ],
    [
      'a column named as a category',
      () => Dataset.fromRows([{ a: 'x', 'a=x': 1 }]),
      'ERR_KAN_OPTION',
      /features has the name 'a=x' twice/,
    ],
    [
      'a negative weight, by its row',
      () =>
        Dataset.fromRows(
          [
            { a: null, w: 1 },
            { a: 2, w: -3 },
          ],
          { weights: 'w', missing: 'drop' },
        ),
      'ERR_KAN_DATA',
      /rows\[1\]\.w is -3; expected 0 or more/,
    ],
    [
      'encoding beside target',
      () => Dataset.fromRows(cars, { target: 'mpg', encoding: Dataset.fromRows(cars).encoding! }),
      'ERR_KAN_OPTION',
      /target can't be given together with encoding/,
    ],
    [
      'a made-up encoding',
      () => Dataset.fromRows(cars, { encoding: { features: [] } as never }),
      'ERR_KAN_OPTION',
      /must be the encoding of a Dataset/,
    ],
  ]
  test.each(refusals)('%s', (_, make, code, message) => {
    const error = thrown(make)
    expect(error.code).toBe(code)
    expect(error.message).toMatch(message)
  })

  test('too many categories are refused by name with the advice to ignore the column', () => {
    const rows = Array.from({ length: 30 }, (_, i) => ({ a: i, name: `car ${i}` }))
    const error = thrown(() => Dataset.fromRows(rows))
    expect(error.message).toMatch(/'name' is text with 30 different values; at most 20[\s\S]*ignore: \['name'\]/)
    expect(Dataset.fromRows(rows, { maxCategories: 30 }).features).toBe(31)
  })

  test('an unknown category names the cell and what is known', () => {
    const { encoding } = Dataset.fromRows(cars, { target: 'mpg' })
    const error = thrown(() => Dataset.fromRows([{ weight: 1, origin: 'Jpan' }], { encoding: encoding! }))
    expect(error.message).toMatch(
      /rows\[0\]\.origin is 'Jpan'[\s\S]*'Europe', 'Japan', 'USA'[\s\S]*Did you mean 'Japan'/,
    )
    expect(error.details).toMatchObject({ column: 'origin', found: 'Jpan' })
    const absent = thrown(() => Dataset.fromRows([{ weihgt: 1, origin: 'USA' }], { encoding: encoding! }))
    expect(absent.message).toMatch(/rows\[0\]\.weight is missing; found 'weihgt'[\s\S]*Did you mean 'weight'/)
    const text = thrown(() => Dataset.fromRows([{ weight: '1', origin: 'USA' }], { encoding: encoding! }))
    expect(text.message).toMatch(/rows\[0\]\.weight is '1'; expected a number/)
  })
})

describe('a key that a row object lacks', () => {
  const filled = Dataset.fromRows(cars, { target: 'mpg', missing: 'mean' }).encoding!
  const bare = Dataset.fromRows(cars, { target: 'mpg' }).encoding!
  const read = (rows: readonly Record<string, number | string | null>[], encoding = filled) =>
    Array.from(Dataset.fromRows(rows, { encoding }).x.data)

  test('is filled, whatever the other rows have', () => {
    const alone = read([{ origin: 'USA' }])
    expect(alone).toEqual([2851, 0, 0, 1])
    expect(read([{ origin: 'USA' }, { weight: 1, origin: 'USA' }]).slice(0, 4)).toEqual(alone)
    expect(read([{ weight: 2 }])).toEqual([2, 0, 0, 1])
  })

  test('is refused by row without a fill, whatever the other rows have', () => {
    for (const rows of [[{ origin: 'USA' }], [{ weight: 1, origin: 'USA' }, { origin: 'USA' }]]) {
      const error = thrown(() => read(rows, bare))
      expect(error.code).toBe('ERR_KAN_DATA')
      expect(error.message).toMatch(
        new RegExp(`rows\\[${rows.length - 1}\\]\\.weight is missing[\\s\\S]*keys 'origin'`),
      )
    }
  })

  test('is refused with a fill too if it is misspelt, unless the gap is on purpose', async () => {
    const error = thrown(() =>
      read([
        { weight: 1, origin: 'USA' },
        { wieght: 1, origin: 'USA' },
      ]),
    )
    expect(error.message).toMatch(/rows\[1\]\.weight is missing; found 'wieght'[\s\S]*Did you mean 'weight'/)
    expect(read([{ wieght: 1, weight: null, origin: 'USA', mpg: 3 }])).toEqual([2851, 0, 0, 1])
    expect(read([{ colour: 1, weight_of_wheels: 2, origin: 'USA' }])[0]).toBe(2851)
    const model = new Kan({ layers: [4, 1] })
    await model.fit(Dataset.fromRows(cars, { target: 'mpg', missing: 'mean' }), { steps: 1 })
    expect(() => model.predictSync([{ wieght: 1, origin: 'USA' }])).toThrow(/found 'wieght'/)
    expect(model.predictSync([{ origin: 'USA' }])).toEqual(model.predictSync([{ weight: null, origin: 'USA' }]))
  })
})

test('texts among numbers in texts are refused', () => {
  const error = thrown(() => Dataset.fromRows([{ a: '1' }, { a: 'x' }, { a: '2' }]))
  expect(error.message).toMatch(/rows\[1\]\.a is 'x', while 2 of the 3 cells of 'a'[\s\S]*Write null[\s\S]*categorical/)
  expect(error.hint).not.toMatch(/missingMarkers/)
  expect(Dataset.fromRows([{ a: '1' }, { a: 'x' }, { a: '2' }], { categorical: 'a' }).features).toBe(3)
})

test('an encoding that is nearly right is used or refused, never half believed', () => {
  const name = fc.constantFrom('weight', 'origin', 'mpg', '', '__proto__')
  const names = fc.array(name, { maxLength: 3 })
  const feature = fc.record(
    {
      name: fc.oneof(name, fc.constant(3)),
      kind: fc.constantFrom('number', 'category', 'text'),
      fill: fc.constantFrom(null, 0, Number.NaN, 'USA', '__proto__'),
      categories: fc.oneof(fc.constant(['Europe', 'Japan', 'USA']), names, fc.constant('USA')),
    },
    { requiredKeys: ['name', 'kind', 'fill'] },
  )
  const encoding = fc.record(
    {
      features: fc.array(feature, { maxLength: 3 }),
      targets: fc.oneof(fc.constant(['mpg']), fc.constant([]), names),
      classes: fc.oneof(fc.constant(null), names),
    },
    { requiredKeys: ['features', 'targets'] },
  )
  let used = 0
  fc.assert(
    fc.property(encoding, made => {
      try {
        const data = Dataset.fromRows(cars, { encoding: made as never })
        expect(data.x.data.every(Number.isFinite)).toBe(true)
        expect(new Set(data.featureNames).size).toBe(data.features)
        expect(Object.isFrozen(data.encoding)).toBe(true)
        used += 1
      } catch (error) {
        expect((error as KanError).code).toMatch(/^ERR_KAN_(OPTION|DATA|NUMBER)$/)
      }
    }),
    { numRuns: 2000, seed: 1 },
  )
  expect(used).toBeGreaterThan(0)
})

test('what a classifier predicts for a dataset is a dataset of numbers that encodes features alone', async () => {
  const data = Dataset.fromRows(cars, { target: 'origin' })
  const model = new Kan({ layers: [2, 3] })
  await model.fit(data, { steps: 1 })
  const found = await model.probabilities(data)
  expect([found.targets, found.classes]).toEqual([3, null])
  expect(found.encoding).toEqual({ ...data.encoding, targets: [], classes: null })
  expect(Dataset.fromRows(cars, { encoding: found.encoding! }).x).toEqual(data.x)
})
