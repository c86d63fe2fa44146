// Datasets from streams: rows of all batches, in one block.
import { Dataset } from 'kanode'
import { describe, expect, test } from 'vitest'
import { rejected } from './helpers.js'

const cars = [
  { weight: 3504, origin: 'USA', mpg: 18 },
  { weight: 2372, origin: 'Japan', mpg: 24 },
  { weight: 1835, origin: 'Europe', mpg: 26 },
  { weight: 3693, origin: 'USA', mpg: 15 },
]

describe('batches', () => {
  async function* stream<T>(...batches: T[]) {
    yield* batches
  }

  test('of row objects', async () => {
    const data = await Dataset.fromBatches(stream(cars.slice(0, 1), cars.slice(1)), { target: 'mpg' })
    expect(data.x).toEqual(Dataset.fromRows(cars, { target: 'mpg' }).x)
  })

  test('of arrays, with targets and weights', async () => {
    const batches = [
      { x: [[1, 2]], y: [3], weights: [1] },
      { x: { data: Float32Array.of(4, 5, 6, 7), shape: [2, 2] as const }, y: [8, 9], weights: [2, 3] },
    ]
    const data = await Dataset.fromBatches(batches, { featureNames: ['a', 'b'] })
    expect(data.x.data).toEqual(Float64Array.of(1, 2, 4, 5, 6, 7))
    expect(data.y.data).toEqual(Float64Array.of(3, 8, 9))
    expect(data.weights).toEqual(Float64Array.of(1, 2, 3))
    expect(data.featureNames).toEqual(['a', 'b'])
  })

  test('of class names, some of them in one batch only', async () => {
    const data = await Dataset.fromBatches(stream({ x: [[1]], y: ['b'] }, { x: [[2], [3]], y: ['a', 'b'] }))
    expect(data.classes).toEqual(['a', 'b'])
    expect(data.y.data).toEqual(Float64Array.of(1, 0, 1))
  })

  const refusals: [string, Iterable<never>, RegExp][] = [
    ['none', [], /no rows/],
    ['another width', [{ x: [[1]] }, { x: [[1, 2]] }] as never, /batch 1: x\[0\] has 2 columns; expected 1/],
    ['another kind', [{ x: [[1]] }, [{ a: 1 }]] as never, /Batch 1 is of another kind/],
    [
      'targets missing later',
      [{ x: [[1]], y: [1] }, { x: [[1]] }] as never,
      /Batch 1 is of another kind[\s\S]*expected y/,
    ],
    ['a cell', [{ x: [[1]] }, { x: [[Number.NaN]] }] as never, /batch 1: x\[0\]\[0\] is NaN/],
    ['a batch that is none', [3] as never, /batch 0 must be/],
  ]
  test.each(refusals)('%s', async (_, batches, message) => {
    expect((await rejected(Dataset.fromBatches(batches))).message).toMatch(message)
  })

  test('what the stream throws comes through', async () => {
    async function* broken() {
      yield { x: [[1]] }
      throw new Error('the line went dead')
    }
    await expect(Dataset.fromBatches(broken())).rejects.toThrow('the line went dead')
    await expect(Dataset.fromBatches(3 as never)).rejects.toThrow(TypeError)
  })

  test('gaps are dropped or filled when all rows are known', async () => {
    const batches = () =>
      stream(
        { x: [[1], [null]], y: [1, 2], weights: [0, 0] },
        { x: [[5]], y: [3], weights: [1] },
        { x: [[9]], y: [null], weights: [7] },
      )
    const dropped = await Dataset.fromBatches(batches(), { missing: 'drop' })
    expect([dropped.x.data, dropped.y.data]).toEqual([Float64Array.of(1, 5), Float64Array.of(1, 3)])
    expect(dropped.weights).toEqual(Float64Array.of(0, 1))
    const filled = await Dataset.fromBatches([{ x: [[1], [null]] }, { x: [[5]] }], { missing: 'mean' })
    expect(filled.x.data).toEqual(Float64Array.of(1, 3, 5))
    const objects = await Dataset.fromBatches([[{ a: 1 }, { a: null }], [{ a: 5 }]], { missing: 'mean' })
    expect(objects.x.data).toEqual(Float64Array.of(1, 3, 5))
  })

  test('class names may be missing, in a whole batch too', async () => {
    const gaps = { x: [[1], [2]], y: [null, undefined] }
    const names = { x: [[3]], y: ['a'] }
    for (const batches of [
      [gaps, names],
      [names, gaps],
    ]) {
      const data = await Dataset.fromBatches(batches, { missing: 'drop' })
      expect([data.classes, data.x.data]).toEqual([['a'], Float64Array.of(3)])
    }
    expect((await rejected(Dataset.fromBatches([names, gaps]))).message).toMatch(/class names in y/)
  })

  test('what a batch was filled with again does not matter', async () => {
    const row = [0]
    const labels = ['']
    function* reused() {
      for (const [value, label] of [
        [1, 'a'],
        [2, 'b'],
      ] as const) {
        row[0] = value
        labels[0] = label
        yield { x: [row], y: labels }
      }
    }
    const data = await Dataset.fromBatches(reused())
    expect([data.x.data, data.y.data]).toEqual([Float64Array.of(1, 2), Float64Array.of(0, 1)])
  })

  test('weights may be given for all rows at once', async () => {
    const batches = [{ x: [[1]] }, { x: [[2], [3]] }]
    expect((await Dataset.fromBatches(batches, { weights: [1, 2, 3] })).weights).toEqual(Float64Array.of(1, 2, 3))
    const objects = [[{ a: 1 }], [{ a: 2 }]]
    expect((await Dataset.fromBatches(objects, { weights: [1, 2] })).weights).toEqual(Float64Array.of(1, 2))
  })

  const arrays = [{ x: [[1]], y: [2], weights: [1] }]
  const objects = [[{ a: 1, y: 2 }]]
  const options: [string, Parameters<typeof Dataset.fromBatches>, RegExp][] = [
    [
      'a target for arrays',
      [arrays, { target: 'y' }],
      /'target' is not for batches of \{ x, y, weights \}[\s\S]*take target/,
    ],
    ['names for row objects', [objects, { featureNames: ['a'] }], /'featureNames' is not for batches of row objects/],
    ['a column of weights for arrays', [arrays, { weights: 'w' }], /weights names a column/],
    ['weights twice', [arrays, { weights: [1] }], /weights are given twice/],
    ['no such option', [arrays, { missign: 'drop' } as never], /Unknown option 'missign'[\s\S]*Did you mean 'missing'/],
    [
      'weights that are all zero',
      [
        [
          { x: [[1]], weights: [0] },
          { x: [[1]], weights: [0] },
        ],
      ],
      /sum of weights is 0/,
    ],
    ['rows of another kind', [[[[1, 2]]] as never], /batch 0: row 0 must be an object/],
  ]
  test.each(options)('%s is refused', async (_, [batches, given], message) => {
    expect((await rejected(Dataset.fromBatches(batches, given))).message).toMatch(message)
  })
})
