import { type ClassificationMetrics, Dataset, Kan } from 'kanode'
import { describe, expect, test } from 'vitest'
import { toLabels, toProbabilities } from '../../src/classify.js'
import { clusters, rejected } from './helpers.js'

const data = new Dataset({ ...clusters(90), featureNames: ['across', 'up'] })

async function fitted() {
  const model = new Kan({ layers: [2, 3] })
  await model.fit(data, { steps: 30 })
  return model
}

describe('three classes', () => {
  test('the loss follows from a text target, and classes are told by name', async () => {
    const model = await fitted()
    expect(model.loss).toBe('crossEntropy')
    expect(model.classes).toEqual(['left', 'middle', 'right'])
    expect(
      await model.classify([
        [-3, 0],
        [0, 0],
        [3, 0],
      ]),
    ).toEqual(['left', 'middle', 'right'])
    expect(await model.classify([{ across: 3, up: 0 }])).toEqual(['right'])
    const { accuracy, logLoss } = await model.evaluate<ClassificationMetrics>(data)
    expect(accuracy).toBeGreaterThan(0.95)
    expect(logLoss).toBeLessThan(0.2)
  })

  test('probabilities add up to 1 and come in the kind of the rows', async () => {
    const model = await fitted()
    const [row] = await model.probabilities([[3, 0]])
    expect(row!.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 12)
    expect(await model.probabilities([{ across: 3, up: 0 }])).toEqual([
      { left: row![0], middle: row![1], right: row![2] },
    ])
    expect((await model.probabilities(data)).targetNames).toEqual(['left', 'middle', 'right'])
    expect((await model.probabilities({ data: [3, 0], shape: [1, 2] })).shape).toEqual([1, 3])
  })

  test('logits are what predict gives', async () => {
    const model = await fitted()
    const logits = await model.predict([[3, 0]])
    const probabilities = await model.probabilities([[3, 0]])
    expect(Array.from(toProbabilities(Float64Array.from(logits[0]!), 3, 'crossEntropy'))).toEqual(probabilities[0])
  })

  test('labels without names stay numbers', async () => {
    const { x } = clusters(60)
    const model = new Kan({ layers: [2, 3] })
    await model.fit({ x, y: x.map((_, i) => i % 3) }, { steps: 30, loss: 'crossEntropy' })
    expect(
      await model.classify([
        [-3, 0],
        [3, 0],
      ]),
    ).toEqual([0, 2])
    expect(model.classes).toBeNull()
  })

  test('survive a file', async () => {
    const model = await fitted()
    const again = Kan.fromBytes(model.toBytes())
    expect([again.classes, again.loss, again.encoding]).toEqual([model.classes, 'crossEntropy', model.encoding])
    expect(await again.classify(data)).toEqual(await model.classify(data))
  })
})

describe('two classes', () => {
  test('one output gives the probability of the second', async () => {
    const { x } = clusters(60)
    const model = new Kan({ layers: [2, 1] })
    await model.fit({ x, y: x.map(([a]) => (a! > 1 ? 'yes' : 'no')) }, { steps: 30 })
    expect(model.loss).toBe('binaryCrossEntropy')
    expect(
      await model.classify([
        [3, 0],
        [-3, 0],
      ]),
    ).toEqual(['yes', 'no'])
    const [[sure], [unsure]] = (await model.probabilities([
      [3, 0],
      [-3, 0],
    ])) as [[number], [number]]
    expect(sure).toBeGreaterThan(0.9)
    expect(unsure).toBeLessThan(0.1)
  })

  test('several yes-or-no outputs have probabilities but no single class', async () => {
    const { x } = clusters(60)
    const model = new Kan({ layers: [2, 2] })
    await model.fit(
      { x, y: x.map(([a, b]) => [Number(a! > 0), Number(b! > 0)]) },
      { steps: 5, loss: 'binaryCrossEntropy' },
    )
    expect((await model.probabilities([[1, 1]]))[0]).toHaveLength(2)
    expect((await rejected(model.classify([[1, 1]]))).code).toBe('ERR_KAN_LABEL')
  })
})

describe('refused', () => {
  test('classes of a model that predicts quantities', async () => {
    const model = new Kan({ layers: [2, 3] })
    expect((await rejected(model.classify([[0, 0]]))).message).toMatch(/has not been fitted/)
    await model.fit({ x: data.x, y: { data: new Float64Array(270), shape: [90, 3] } }, { steps: 1 })
    expect((await rejected(model.probabilities([[0, 0]]))).message).toMatch(/loss 'mse' and predicts quantities/)
  })

  test('targets that are no classes', async () => {
    const model = new Kan({ layers: [2, 3] })
    const x = [
      [0, 0],
      [1, 1],
    ]
    const fit = (y: unknown, loss?: 'crossEntropy' | 'binaryCrossEntropy' | 'mse') =>
      rejected(model.fit({ x, y } as never, { loss }))
    expect((await fit([0, 3], 'crossEntropy')).message).toMatch(
      /Row 1 of the training data has the label 3; expected .* 0 to 2/,
    )
    expect((await fit([0, 0.5], 'crossEntropy')).code).toBe('ERR_KAN_LABEL')
    expect(
      (
        await fit(
          [
            [0, 1],
            [1, 0],
          ],
          'crossEntropy',
        )
      ).message,
    ).toMatch(/2 target columns.*or 1 column of labels/)
    expect(
      (
        await fit(
          [
            [0, 0, 2],
            [1, 0, 0],
          ],
          'binaryCrossEntropy',
        )
      ).message,
    ).toMatch(/has the target 2; .* from 0 to 1/)
    expect((await fit(['a', 'b'], 'mse')).message).toMatch(/text with the classes 'a', 'b'[\s\S]*'crossEntropy'/)
    expect((await fit(['a', 'b'], 'binaryCrossEntropy')).code).toBe('ERR_KAN_SHAPE')
  })

  test('more classes than outputs, or other classes than before', async () => {
    const small = new Kan({ layers: [2, 2] })
    expect((await rejected(small.fit(data))).message).toMatch(/3 classes[\s\S]*layers: \[2, …, 3\]/)
    const model = await fitted()
    const other = new Dataset({
      x: [
        [0, 0],
        [1, 1],
      ],
      y: ['up', 'down'],
    })
    expect((await rejected(model.evaluate(other))).message).toMatch(
      /The classes of the data are 'down', 'up'; the model's are/,
    )
  })
})

describe('what the last fit was about', () => {
  const x = data.x
  const y = { data: new Float64Array(270), shape: [90, 3] as const }

  test('decides whether there are classes', async () => {
    const model = await fitted()
    await model.fit({ x, y }, { steps: 1 })
    expect([model.classes, model.outputNames]).toEqual([null, null])
    expect(model.encoding).toMatchObject({ targets: [], classes: null, features: [{ name: 'across' }, { name: 'up' }] })
    expect(Object.keys((await model.predict([{ across: 1, up: 1 }]))[0]!)).toEqual(['y1', 'y2', 'y3'])
    const again = Kan.fromBytes(model.toBytes())
    expect([again.classes, again.outputNames, again.encoding]).toEqual([null, null, model.encoding])
    await model.fit(new Dataset({ x, y, featureNames: ['across', 'up'], targetNames: ['a', 'b', 'c'] }), { steps: 1 })
    expect([model.classes, model.outputNames]).toEqual([null, ['a', 'b', 'c']])
    expect(model.encoding?.targets).toEqual(['a', 'b', 'c'])
    const others = data.y.data.reduce((list: string[], label) => list.concat(['north', 'south', 'west'][label]!), [])
    await model.fit(new Dataset({ x, y: others, featureNames: ['across', 'up'] }), { steps: 1 })
    expect(model.classes).toEqual(['north', 'south', 'west'])
    expect(model.outputNames).toEqual(['north', 'south', 'west'])
    expect(model.encoding?.classes).toEqual(['north', 'south', 'west'])
  })

  test('keeps the classes where it was about labels without names', async () => {
    const model = await fitted()
    await model.fit({ x, y: data.y.data }, { steps: 1, loss: 'crossEntropy' })
    expect([model.classes, model.outputNames]).toEqual([
      ['left', 'middle', 'right'],
      ['left', 'middle', 'right'],
    ])
    expect(model.encoding?.classes).toEqual(['left', 'middle', 'right'])
  })
})

test('a single row has a single class', async () => {
  const model = await fitted()
  expect(await model.classify([3, 0])).toBe('right')
  expect(await model.classify(Float32Array.of(-3, 0))).toBe('left')
  expect(await model.classify({ across: 0, up: 0 })).toBe('middle')
  const [row] = await model.probabilities([[3, 0]])
  expect(await model.probabilities([3, 0])).toEqual(row)
  expect(await model.probabilities(Float64Array.of(3, 0))).toEqual(Float64Array.from(row!))
  expect(await model.probabilities({ across: 3, up: 0 })).toEqual({ left: row![0], middle: row![1], right: row![2] })
})

test('probabilities of extreme logits are finite', () => {
  expect(toProbabilities(Float64Array.of(1e308, -1e308, 0), 3, 'crossEntropy')).toEqual(Float64Array.of(1, 0, 0))
  expect(toProbabilities(Float64Array.of(1e308, -1e308, 0), 3, 'binaryCrossEntropy')).toEqual(
    Float64Array.of(1, 0, 0.5),
  )
  expect(toLabels(Float64Array.of(1, 1, 0), 3, 'crossEntropy', null)).toEqual([0])
  expect(toLabels(Float64Array.of(-1, 0, 1), 1, 'binaryCrossEntropy', ['no', 'yes'])).toEqual(['no', 'no', 'yes'])
})
