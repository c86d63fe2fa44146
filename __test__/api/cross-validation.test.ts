import { type ClassificationMetrics, crossValidate, Dataset, type Fold, Kan, KanAbortError } from 'kanode'
import { describe, expect, test } from 'vitest'
import { clusters, rejected, surface } from './helpers.js'

const options = { layers: [2, 3, 1] }

describe('folds', () => {
  test('hold out every row once, and are judged by models of the others', async () => {
    const data = surface(43)
    const { folds, mean, deviation } = await crossValidate(options, data, { folds: 4, steps: 8, keepModels: true })
    expect(folds.flatMap(({ rows }) => rows).sort((a, b) => a - b)).toEqual(data.y.map((_, row) => row))
    expect(folds.map(({ rows }) => rows.length)).toEqual([11, 11, 11, 10])
    const { rows, metrics, model } = folds[2]!
    const take = (keep: (row: number) => boolean) => ({
      x: data.x.filter((_, row) => keep(row)),
      y: data.y.filter((_, row) => keep(row)),
    })
    const alone = new Kan(options)
    await alone.fit(
      take(row => !rows.includes(row)),
      { steps: 8 },
    )
    expect(model!.parameters).toEqual(alone.parameters)
    expect(metrics).toEqual(await alone.evaluate(take(row => rows.includes(row))))
    const values = folds.map(fold => fold.metrics.rmse)
    const middle = values.reduce((a, b) => a + b) / 4
    expect(mean.rmse).toBeCloseTo(middle, 14)
    expect(deviation.rmse).toBeCloseTo(Math.sqrt(values.reduce((s, v) => s + (v - middle) ** 2, 0) / 3), 14)
    expect(Object.keys(mean)).toEqual(['rmse', 'mae', 'r2'])
  })

  test('are the same whatever the number of threads, and others with another seed', async () => {
    const run = async (threads: number, seed = 0) => {
      const { folds } = await crossValidate(options, surface(40), { folds: 3, steps: 3, threads, seed })
      return folds.map(({ rows, metrics }) => ({ rows, metrics }))
    }
    const one = await run(1)
    expect(await run(3)).toEqual(one)
    expect((await run(1, 1))[0]!.rows).not.toEqual(one[0]!.rows)
  })

  test('get their share of every class', async () => {
    const x = Array.from({ length: 40 }, (_, i) => [Math.sin(i), i])
    const y = x.map((_, i) => (i < 4 ? 'rare' : i < 20 ? 'some' : 'many'))
    const shares = async (stratify?: boolean) => {
      const found = await crossValidate<ClassificationMetrics>(
        { layers: [2, 3] },
        { x, y },
        { folds: 4, steps: 2, stratify },
      )
      return found.folds.map(({ rows }) =>
        ['rare', 'some', 'many'].map(kind => rows.filter(row => y[row] === kind).length),
      )
    }
    expect(await shares()).toEqual([1, 2, 3, 4].map(() => [1, 4, 5]))
    expect(await shares(false)).not.toEqual(await shares())
    const labels = { x, y: y.map(kind => ['rare', 'some', 'many'].indexOf(kind)) }
    const { folds, mean } = await crossValidate<ClassificationMetrics>({ layers: [2, 3] }, labels, {
      folds: 4,
      steps: 2,
      loss: 'crossEntropy',
    })
    for (const { rows } of folds) expect(rows.filter(row => row < 4)).toHaveLength(1)
    expect(Object.keys(mean)).toEqual(['accuracy', 'logLoss'])
  })

  test('are told as they are done', async () => {
    const heard: Fold<ClassificationMetrics>[] = []
    const data = new Dataset(clusters(30))
    const { folds } = await crossValidate<ClassificationMetrics>({ layers: [2, 3] }, data, {
      folds: 2,
      steps: 2,
      onFold: fold => heard.push(fold),
    })
    expect([...heard].sort((a, b) => a.fold - b.fold)).toEqual(folds)
    expect(folds[0]!.model).toBeUndefined()
  })
})

test('stops for a signal and for a fold that fails', async () => {
  const controller = new AbortController()
  const run = crossValidate(options, surface(99), { steps: 1e6, optimizer: 'adam', signal: controller.signal })
  setTimeout(() => controller.abort(), 20)
  expect(await rejected(run)).toBeInstanceOf(KanAbortError)
  expect((await rejected(crossValidate({ layers: [3, 1] }, surface(20)))).code).toBe('ERR_KAN_SHAPE')
})

test('options that make no sense are refused', async () => {
  const run = (given: object) => rejected(crossValidate(options, surface(9), given))
  expect(await run({ folds: 10 })).toBeInstanceOf(RangeError)
  expect(await run({ folds: 1 })).toBeInstanceOf(RangeError)
  expect((await run({ resume: true })).message).toMatch(/'resume' is not for several/)
  expect(await run({ stratify: 1 })).toBeInstanceOf(TypeError)
  expect(await run({ onFold: 'x' })).toBeInstanceOf(TypeError)
})
