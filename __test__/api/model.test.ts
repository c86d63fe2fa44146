import { inspect } from 'node:util'
import { Dataset, Kan } from 'kanode'
import { describe, expect, test } from 'vitest'
import { rejected, surface, thrown } from './helpers.js'

const cars = [
  { weight: 3504, origin: 'USA', mpg: 18 },
  { weight: 2372, origin: 'Japan', mpg: 24 },
  { weight: 1835, origin: 'Europe', mpg: 26 },
  { weight: 3693, origin: 'USA', mpg: 15 },
  { weight: 2130, origin: 'Japan', mpg: 27 },
  { weight: 2130, origin: 'Europe', mpg: 25 },
]

async function carsModel() {
  const data = Dataset.fromRows(cars, { target: 'mpg' })
  const model = new Kan({ layers: [4, 2, 1] })
  await model.fit(data, { steps: 5 })
  return { data, model }
}

test('the parameter count is that of the slides', () => {
  for (const [layers, grid, degree] of [
    [[2, 5, 1], 5, 3],
    [[2, 3, 3, 1], 7, 2],
    [[784, 64, 10], 3, 1],
  ] as const) {
    const edges = layers.slice(1).reduce((sum, outputs, i) => sum + layers[i]! * outputs, 0)
    const model = new Kan({ layers, grid, degree })
    expect(model.parameterCount).toBe(edges * (2 + grid + degree))
    expect([model.inputs, model.outputs]).toEqual([layers[0], layers.at(-1)])
  }
})

test('what a model costs is that of the slides', () => {
  const cost = new Kan({ layers: [2, 5, 1] }).cost({ batch: 100 })
  expect(cost.batch).toBe(100)
  expect(cost.layers[0]).toMatchObject({ inputs: 2, outputs: 5, parameters: 100, fullyConnectedParameters: 15 })
  expect(cost.layers[0]!.memory).toBe(2 * 9 * 100 + 2 * 7 * 100 + 100)
  expect(cost.total.parameters).toBe(150)
  expect(cost.total.bytes).toBeGreaterThan(0)
  expect(new Kan({ layers: [2, 5, 1] }).cost().batch).toBe(1)
})

test('the seed decides the parameters, which can be read and set', () => {
  const options = { layers: [2, 3, 1], seed: 5 }
  const model = new Kan(options)
  const parameters = model.parameters
  expect(new Kan(options).parameters).toEqual(parameters)
  expect(new Kan({ ...options, seed: 6 }).parameters).not.toEqual(parameters)
  parameters.fill(0)
  expect(model.parameters).not.toEqual(parameters)
  model.parameters = parameters
  expect(model.predictSync([0.3, 0.4])).toEqual([0])
  model.parameters = Array.from(parameters, () => 1)
  expect(model.parameters.every(p => p === 1)).toBe(true)
  expect(
    thrown(() => {
      model.parameters = [1]
    }).code,
  ).toBe('ERR_KAN_SHAPE')
  expect(
    thrown(() => {
      model.parameters = parameters.map(() => Number.NaN)
    }).message,
  ).toContain('parameters[0] is NaN')
  expect(
    thrown(() => {
      model.parameters = 'all' as never
    }),
  ).toBeInstanceOf(TypeError)
  expect(model.parameters.every(p => p === 1)).toBe(true)
})

describe('predictions come in the kind that the rows have', () => {
  const x = surface(7).x
  const flat = Float64Array.from(x.flat())

  test('rows, matrices, datasets', async () => {
    const model = new Kan({ layers: [2, 3, 2], seed: 1 })
    const rows = await model.predict(x)
    expect(rows).toHaveLength(7)
    expect(rows[0]).toHaveLength(2)
    const matrix = await model.predict({ data: flat, shape: [7, 2] })
    expect(matrix).toEqual({ data: Float64Array.from(rows.flat()), shape: [7, 2] })
    const single = await model.predict({ data: Float32Array.from(flat), shape: [7, 2] })
    expect(single.data[0]).toBeCloseTo(rows[0]![0]!, 5)
    const data = new Dataset({ x, featureNames: ['a', 'b'] })
    const predicted = await model.predict(data)
    expect(predicted.y).toEqual(matrix)
    expect(predicted.x).toEqual(data.x)
    expect(predicted.targetNames).toEqual(['y1', 'y2'])
    expect(await model.predict([Float64Array.of(0, 0), [0.5, 0.5]])).toHaveLength(2)
  })

  test('the same on this thread', async () => {
    const model = new Kan({ layers: [2, 3, 2], seed: 1 })
    const rows = await model.predict(x)
    expect(model.predictSync(x)).toEqual(rows)
    expect(model.predictSync({ data: flat, shape: [7, 2] }).data).toEqual(Float64Array.from(rows.flat()))
    expect(model.predictSync(x[0]!)).toEqual(rows[0])
    expect(model.predictSync(Float64Array.from(x[0]!))).toEqual(Float64Array.from(rows[0]!))
  })

  test('a single row in any kind of numbers', async () => {
    const model = new Kan({ layers: [2, 3, 2], seed: 1 })
    const [expected] = await model.predict([[1, 2]])
    for (const row of [Float64Array.of(1, 2), Float32Array.of(1, 2), Int8Array.of(1, 2), Uint32Array.of(1, 2)]) {
      expect(model.predictSync(row)).toEqual(Float64Array.from(expected!))
      expect(await model.predict(row)).toEqual(Float64Array.from(expected!))
    }
    expect(await model.predict([1, 2])).toEqual(expected)
    const [first, second] = [model.predictSync(Float32Array.of(1, 2)), model.predictSync(Float32Array.of(3, 4))]
    expect(first).not.toEqual(second)
  })

  test('a single object', async () => {
    const { model } = await carsModel()
    const { mpg: _, ...car } = cars[0]!
    const [expected] = await model.predict([car])
    expect(await model.predict(car)).toEqual(expected)
    expect(model.predictSync(car)).toEqual(expected)
    expect(model.predictSync([car])).toEqual([expected])
    expect((await rejected(model.predict({ weight: 1, origin: 'Mars' }))).message).toMatch(/origin is 'Mars'/)
  })

  test('a row predicted before is not changed by the next', () => {
    const model = new Kan({ layers: [2, 1] })
    const first = model.predictSync(Float64Array.of(0.1, 0.2))
    const copy = first.slice()
    model.predictSync(Float64Array.of(0.3, 0.4))
    expect(first).toEqual(copy)
  })

  test('the number of threads does not change a bit', async () => {
    const model = new Kan({ layers: [2, 8, 3], seed: 2 })
    const many = surface(1000).x
    const expected = await model.predict(many, { threads: 1 })
    for (const threads of [2, 3]) expect(await model.predict(many, { threads })).toEqual(expected)
  })

  test('row objects are encoded as the training data, and come back by name', async () => {
    const { data, model } = await carsModel()
    const predicted = await model.predict(data)
    const objects = await model.predict(cars.map(({ weight, origin }) => ({ origin, weight, colour: 'red' })))
    expect(objects).toEqual(Array.from(predicted.y.data, mpg => ({ mpg })))
    expect(predicted.targetNames).toEqual(['mpg'])
  })
})

describe('rows that are refused', () => {
  const model = new Kan({ layers: [2, 1] })
  const refusals: [string, unknown, string, RegExp][] = [
    ['none', [], 'ERR_KAN_EMPTY', /rows has no rows/],
    ['too wide', [[1, 2, 3]], 'ERR_KAN_SHAPE', /rows\[0\] has 3 columns; expected 2/],
    ['ragged', [[1, 2], [3]], 'ERR_KAN_SHAPE', /rows\[1\] has 1 column/],
    [
      'NaN',
      [
        [1, 2],
        [3, Number.NaN],
      ],
      'ERR_KAN_NUMBER',
      /rows\[1\]\[1\] is NaN/,
    ],
    ['text', [['1', 2]], 'ERR_KAN_NUMBER', /rows\[0\]\[0\] is '1'/],
    ['a row too long', [1, 2, 3], 'ERR_KAN_SHAPE', /row has 3 numbers; expected 2/],
    ['a row with a gap', [1, null], 'ERR_KAN_NUMBER', /row\[1\] is null/],
    ['a typed array too long', Float64Array.of(1, 2, 3), 'ERR_KAN_SHAPE', /row has 3 numbers[\s\S]*\{ data, shape \}/],
    ['big integers', BigInt64Array.of(1n, 2n), 'ERR_KAN_OPTION', /rows must be rows of numbers/],
    ['an object for a model without names', { a: 1, b: 2 }, 'ERR_KAN_DATA', /columns without names/],
    ['objects for a model without names', [{ a: 1, b: 2 }], 'ERR_KAN_DATA', /columns without names/],
    ['a number', 3, 'ERR_KAN_OPTION', /rows must be rows of numbers/],
    ['nothing', undefined, 'ERR_KAN_OPTION', /rows must be/],
    ['a matrix too wide', { data: [1, 2, 3], shape: [1, 3] }, 'ERR_KAN_SHAPE', /rows has 3 columns; expected 2/],
    ['a detached array', { data: detached(), shape: [1, 2] }, 'ERR_KAN_SHAPE', /0 numbers/],
  ]
  test.each(refusals)('%s', async (_, rows, code, message) => {
    const error = await rejected(model.predict(rows as never))
    expect(error.code).toBe(code)
    expect(error.message).toMatch(message)
  })

  test('by predictSync as well', () => {
    expect(thrown(() => model.predictSync([1])).message).toMatch(/row has 1 numbers; expected 2/)
    expect(thrown(() => model.predictSync(Float64Array.of(1, Number.NaN))).message).toContain('row[1] is NaN')
    expect(thrown(() => model.predictSync([1, '2'] as never)).message).toContain("row[1] is '2'")
    expect(thrown(() => model.predictSync([[1]])).code).toBe('ERR_KAN_SHAPE')
    expect(thrown(() => model.predictSync([] as never)).code).toBe('ERR_KAN_EMPTY')
  })

  test('names are told where they are known', async () => {
    const { model } = await carsModel()
    expect((await rejected(model.predict([[1]]))).message).toMatch(/'weight', 'origin=Europe'/)
    expect((await rejected(model.predict([[1, 0, Number.NaN, 0]]))).message).toContain("(column 'origin=Japan')")
    expect((await rejected(model.predict([{ weight: 1, origin: 'Mars' }]))).message).toMatch(
      /rows\[0\]\.origin is 'Mars'/,
    )
    const other = Dataset.fromRows(
      cars.map(({ weight, ...rest }) => ({ mass: weight, ...rest })),
      { target: 'mpg' },
    )
    expect((await rejected(model.predict(other))).message).toMatch(/is 'mass'; the model expects 'weight'/)
    expect((await rejected(model.fit(other))).message).toMatch(/is 'mass'; the model expects 'weight'/)
  })
})

function detached(): Float64Array {
  const array = Float64Array.of(1, 2)
  structuredClone(array, { transfer: [array.buffer] })
  return array
}

describe('an edge', () => {
  test('has numbers and a curve', () => {
    const model = new Kan({ layers: [1, 1], grid: 4, degree: 3, domain: [-2, 2], base: 'zero' })
    const parameters = new Float64Array(9)
    parameters.set([0, 0, 0, 6, 0, 0, 0, 0, 1])
    model.parameters = parameters
    const edge = model.edge(0, 0, 0)
    expect(edge.knots).toEqual(Float64Array.of(-2, -2, -2, -2, -1, 0, 1, 2, 2, 2, 2))
    expect(edge.controlPoints).toEqual(Float64Array.of(0, 0, 0, 6, 0, 0, 0))
    expect([edge.baseWeight, edge.splineWeight]).toEqual([0, 1])
    expect(Array.from(edge.evaluate([-2, -1, 0, 1, 2]), y => Math.round(1e12 * y) / 1e12)).toEqual([0, 1, 4, 1, 0])
    expect(model.predictSync([0])[0]).toBeCloseTo(4, 12)
    expect(inspect(edge)).toMatch(/Edge: layer 0, node 0 to node 0[\s\S]*control points +0, 0, 0, 6/)
  })

  test('has a domain that maps to the units of the data', async () => {
    const x = [[10], [20], [40], [50]]
    const model = new Kan({ layers: [1, 2, 1], knots: 'extended', hiddenDomain: [-2, 2] })
    expect(model.scaler).toBeNull()
    expect(model.edge(0, 0, 0).domain).toEqual([-1, 1])
    await model.fit({ x, y: [1, 2, 3, 4] }, { steps: 2 })
    const { inputMean, inputScale, targetMean, targetScale } = model.scaler!
    expect([inputMean, targetMean]).toEqual([[30], [2.5]])
    expect([inputScale[0]! ** 2, targetScale[0]! ** 2]).toEqual([expect.closeTo(250, 9), expect.closeTo(1.25, 9)])
    const [a, b] = model.edge(0, 0, 1).domain
    expect([a * inputScale[0]! + 30, b * inputScale[0]! + 30]).toEqual([expect.closeTo(10, 9), expect.closeTo(50, 9)])
    expect(model.edge(1, 1, 0).domain).toEqual([-2, 2])
    expect(inspect(model.edge(1, 1, 0))).toMatch(/domain +\[-2, 2\]/)
    ;(model.scaler!.inputMean as number[])[0] = 7
    expect(model.scaler!.inputMean).toEqual([30])
    expect(Kan.fromBytes(model.toBytes()).scaler).toEqual(model.scaler)
    const plain = new Kan({ layers: [1, 1], standardize: false })
    await plain.fit({ x, y: [1, 2, 3, 4] }, { steps: 1 })
    expect(plain.scaler).toBeNull()
    expect(plain.edge(0, 0, 0).domain).toEqual([10, 50])
  })

  test('that does not exist is refused', () => {
    const model = new Kan({ layers: [2, 3, 1] })
    expect(model.edge(1, 2, 0).layer).toBe(1)
    for (const [layer, from, to] of [
      [2, 0, 0],
      [0, 2, 0],
      [0, 0, 3],
      [-1, 0, 0],
      [0, 0.5, 0],
    ] as const) {
      expect(thrown(() => model.edge(layer, from, to))).toBeInstanceOf(RangeError)
    }
    expect(thrown(() => model.edge('0' as never, 0, 0))).toBeInstanceOf(TypeError)
    expect(thrown(() => model.edge(0, 0, 0).evaluate([Number.NaN])).message).toContain('x[0] is NaN')
  })
})

test('a fit that fails or is refused leaves no names behind', async () => {
  const samples = surface(20)
  const named = (featureNames: string[]) => new Dataset({ ...samples, featureNames, targetNames: ['out'] })
  const model = new Kan({ layers: [2, 1] })
  const bad = { optimizer: { name: 'sgd', momentum: 0.99 }, learningRate: 1e300, steps: 9 } as const
  expect((await rejected(model.fit(named(['a', 'b']), { resume: true }))).code).toBe('ERR_KAN_OPTION')
  await rejected(model.fit(named(['a', 'b']), { signal: AbortSignal.abort() }))
  const controller = new AbortController()
  const fit = model.fit(named(['a', 'b']), { signal: controller.signal })
  controller.abort()
  await rejected(fit)
  if (!model.fitted) expect([model.inputNames, model.outputNames, model.encoding]).toEqual([null, null, null])
  const fresh = new Kan({ layers: [2, 1] })
  const refused = await rejected(fresh.fit(named(['a', 'b']), { resume: true }))
  expect(refused).toMatchObject({ code: 'ERR_KAN_OPTION', hint: expect.stringMatching(/optimizerState: true/) })
  expect([fresh.inputNames, fresh.outputNames, fresh.encoding]).toEqual([null, null, null])
  await fresh.fit(named(['c', 'd']), { steps: 1 })
  expect([fresh.inputNames, fresh.outputNames]).toEqual([['c', 'd'], ['out']])
  expect((await rejected(fresh.fit(named(['c', 'd']), bad))).code).toBe('ERR_KAN_DIVERGED')
  expect(fresh.inputNames).toEqual(['c', 'd'])
})

test('a model is shown as a table', async () => {
  const { model } = await carsModel()
  const text = inspect(model)
  expect(text).toMatch(/^Kan \[4, 2, 1\]\n/)
  expect(text).toMatch(/grid +5 intervals, degree 3, clamped knots/)
  expect(text).toMatch(/parameters +100/)
  expect(text).toMatch(/inputs +weight, origin=Europe/)
  expect(text).toMatch(/outputs +mpg/)
  expect(text).toMatch(/fitted +yes \(mse, 5 steps\), can be resumed/)
  expect(`${new Kan({ layers: [2, 1] })}`).toMatch(/inputs +2 columns[\s\S]*fitted +no/)
})

test('a disposed model refuses everything but being shown and disposed of', async () => {
  const model = new Kan({ layers: [1, 1] })
  {
    using scoped = model
    expect(scoped.predictSync([0])).toHaveLength(1)
  }
  model.dispose()
  const calls: (() => unknown)[] = [
    () => model.predictSync([0]),
    () => model.predictSync([[0]]),
    () => model.parameters,
    () => model.edge(0, 0, 0),
    () => model.toBytes(),
    () => model.cost(),
  ]
  for (const call of calls) expect(thrown(call).code).toBe('ERR_KAN_DISPOSED')
  const work = [
    model.predict([[0]]),
    model.fit({ x: [[0]], y: [0] }),
    model.evaluate({ x: [[0]], y: [0] }),
    model.save('x'),
  ]
  for (const promise of work) expect((await rejected(promise)).code).toBe('ERR_KAN_DISPOSED')
  expect(inspect(model)).toMatch(/Kan \[1, 1\], disposed/)
  expect(model.parameterCount).toBe(10)
})

test('a class called without new, or with another receiver, is refused', () => {
  expect(() => (Kan as unknown as () => void)()).toThrow(TypeError)
  const { parameters } = Object.getOwnPropertyDescriptors(Kan.prototype)
  expect(() => parameters!.get!.call({})).toThrow(TypeError)
})
