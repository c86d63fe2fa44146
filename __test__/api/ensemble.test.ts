import { readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { inspect } from 'node:util'
import { type ClassificationMetrics, Dataset, Ensemble, type EnsembleMember, Kan, KanAbortError } from 'kanode'
import { describe, expect, test } from 'vitest'
import { regressionMetrics } from '../../src/regression-metrics.js'
import { clusters, folder, rejected, surface } from './helpers.js'

const options = { layers: [2, 3, 1], seed: 7 }

describe('an ensemble', () => {
  test('has the models of its seeds, whatever the number of threads', async () => {
    const data = surface(80)
    const heard: EnsembleMember[] = []
    const onMember = (member: EnsembleMember) => heard.push(member)
    const ensemble = await Ensemble.fit(options, data, { members: 3, steps: 10, threads: 2, onMember })
    for (const [i, member] of ensemble.members.entries()) {
      const alone = new Kan({ ...options, seed: 7 + i })
      await alone.fit(data, { steps: 10 })
      expect(member.parameters).toEqual(alone.parameters)
    }
    expect(heard.map(({ done }) => done)).toEqual([1, 2, 3])
    expect(heard.map(({ seed }) => seed).sort()).toEqual([7, 8, 9])
    expect(heard[0]!.history.steps).toBe(10)
    expect(inspect(ensemble)).toContain('Ensemble of 3 models')
  })

  test('predicts mean and deviation in the kind of the rows', async () => {
    const ensemble = await Ensemble.fit(options, surface(80), { members: 3, steps: 5 })
    const rows = [
      [0.1, 0.2],
      [-0.5, 0.9],
    ]
    const all = ensemble.members.map(member => member.predictSync(rows))
    const { mean, deviation } = await ensemble.predict(rows)
    rows.forEach((_, r) => {
      const values = all.map(member => member[r]![0]!)
      const middle = values.reduce((a, b) => a + b) / 3
      expect(mean[r]![0]).toBeCloseTo(middle, 13)
      expect(deviation[r]![0]).toBeCloseTo(Math.sqrt(values.reduce((s, v) => s + (v - middle) ** 2, 0) / 2), 13)
    })
    expect(ensemble.predictSync(rows)).toEqual({ mean, deviation })
    expect(ensemble.predictSync(rows[0]!)).toEqual({ mean: mean[0], deviation: deviation[0] })
    expect((await ensemble.predict(Float64Array.of(0.1, 0.2))).mean).toEqual(Float64Array.from(mean[0]!))
    expect((await ensemble.predict({ data: [0.1, 0.2], shape: [1, 2] })).mean.shape).toEqual([1, 1])
    const dataset = await ensemble.predict(new Dataset({ x: rows }))
    expect(dataset.deviation.y.data).toEqual(Float64Array.from(deviation.flat()))
  })

  test('predicts row objects by name', async () => {
    const { x, y } = surface(40)
    const data = Dataset.fromRows(
      x.map(([a, b], i) => ({ a: a!, b: b!, out: y[i]! })),
      { target: 'out' },
    )
    const ensemble = await Ensemble.fit(options, data, { members: 2, steps: 3 })
    const { mean, deviation } = await ensemble.predict({ a: 0.1, b: 0.3 })
    expect([Object.keys(mean), Object.keys(deviation)]).toEqual([['out'], ['out']])
  })

  test('evaluates its mean', async () => {
    const data = surface(80)
    const ensemble = await Ensemble.fit(options, data, { members: 3, steps: 10 })
    const { mean } = await ensemble.predict(data.x)
    const { rmse, r2 } = await ensemble.evaluate(data)
    expect(rmse).toBeCloseTo(Math.sqrt(mean.reduce((s, [v], i) => s + (v! - data.y[i]!) ** 2, 0) / 80), 12)
    const each = await Promise.all(ensemble.members.map(member => member.evaluate(data)))
    expect(rmse).toBeLessThanOrEqual(Math.max(...each.map(member => member.rmse)))
    expect(r2).toBeGreaterThan(0)
  })

  test('of classifiers means their probabilities', async () => {
    const data = clusters(60)
    const ensemble = await Ensemble.fit({ layers: [2, 3] }, data, { members: 2, steps: 10, classWeights: 'balanced' })
    await ensemble.members[0]!.calibrate(data)
    const each = await Promise.all(ensemble.members.map(member => member.probabilities([1.4, 0])))
    const { mean } = await ensemble.probabilities([1.4, 0])
    mean.forEach((p, c) => {
      expect(p).toBeCloseTo((each[0]![c]! + each[1]![c]!) / 2, 13)
    })
    expect(
      await ensemble.classify([
        [-3, 0],
        [3, 0],
      ]),
    ).toEqual(['left', 'right'])
    expect(await ensemble.classify([3, 0])).toBe('right')
    const { accuracy, confusion } = await ensemble.evaluate<ClassificationMetrics>(data)
    expect(accuracy).toBeGreaterThan(0.95)
    expect(confusion.classes).toEqual(['left', 'middle', 'right'])
  })
})

test('metrics in TypeScript are those of native code', async () => {
  const { x } = surface(50)
  const data = new Dataset({
    x,
    y: x.map(([a, b]) => [Math.sin(3 * a!), 1e6 * b!, 4]),
    weights: x.map((_, i) => i % 3),
  })
  const model = new Kan({ layers: [2, 3] })
  await model.fit(data, { steps: 3 })
  const { y } = await model.predict(data)
  const native = await model.evaluate(data)
  const parts = { rows: 50, y: data.y.data, weights: data.weights } as Parameters<typeof regressionMetrics>[2]
  const found = regressionMetrics(y.data, 3, parts)
  // Both sum 50 numbers in other orders: some 50 roundings of 1.1e-16.
  const near = (a: number, b: number) =>
    Number.isNaN(b) ? expect(a).toBeNaN() : expect(Math.abs(a - b)).toBeLessThanOrEqual(1e-13 * Math.abs(b))
  for (const name of ['rmse', 'mae', 'r2'] as const) {
    near(found[name], native[name])
    for (const [i, output] of found.outputs!.entries()) near(output[name], native.outputs![i]![name])
  }
})

describe('curves of edges', () => {
  const x = Float64Array.from({ length: 21 }, (_, i) => -1.5 + 0.15 * i)

  test('without hidden layers are those of the members', async () => {
    const ensemble = await Ensemble.fit({ layers: [2, 1] }, surface(60), { members: 2, steps: 5 })
    const { mean, matches } = ensemble.edgeCurve(0, 1, 0, x)
    const [a, b] = ensemble.members.map(member => member.edge(0, 1, 0).evaluate(x))
    mean.forEach((value, i) => {
      expect(value).toBeCloseTo((a![i]! + b![i]!) / 2, 13)
    })
    expect(matches).toBeNull()
  })

  test('of hidden nodes are matched, whatever their order, sign and scale', async () => {
    const ensemble = await Ensemble.fit({ layers: [2, 3, 1], base: 'zero' }, surface(60), { members: 2, steps: 5 })
    const [first, second] = ensemble.members as [Kan, Kan]
    // The second gets the first's nodes in another order, turned over and twice as large: the weight of the spline.
    const [n, edges] = [first.grid + first.degree, 6]
    const parameters = first.parameters
    const copy = parameters.slice()
    for (let from = 0; from < 2; from++) {
      for (let to = 0; to < 3; to++) {
        const [source, goal] = [from * 3 + to, from * 3 + ((to + 1) % 3)]
        copy.set(parameters.subarray(source * n, (source + 1) * n), goal * n)
        copy[edges * n + edges + goal] = -2 * parameters[edges * n + edges + source]!
      }
    }
    second.parameters = copy
    const { mean, deviation, matches } = ensemble.edgeCurve(0, 1, 0, x)
    expect(matches).toEqual([
      { member: 0, to: 0, correlation: 1 },
      { member: 1, to: 1, correlation: expect.closeTo(-1, 10) },
    ])
    expect(Math.max(...deviation)).toBeLessThan(1e-12)
    const curve = first.edge(0, 1, 0).evaluate(x)
    expect(mean[20]! - mean[0]!).toBeCloseTo(curve[20]! - curve[0]!, 12)
    expect(() => ensemble.edgeCurve(1, 0, 0, x)).toThrow(RangeError)
    expect(() => ensemble.edgeCurve(0, 0, 9, x)).toThrow(RangeError)
  })
})

describe('in a folder', () => {
  test('it comes back, and replaces another', async () => {
    const at = path.join(folder(), 'made')
    const ensemble = await Ensemble.fit(options, surface(60), { members: 3, steps: 3 })
    await ensemble.save(at)
    const again = await Ensemble.load(at)
    expect(again.predictSync([0.1, 0.2])).toEqual(ensemble.predictSync([0.1, 0.2]))
    const smaller = await Ensemble.fit(options, surface(60), { members: 2, steps: 1 })
    await smaller.save(at)
    expect(readdirSync(at)).toHaveLength(3)
    expect((await Ensemble.load(at)).members).toHaveLength(2)
  })

  test('damage is told', async () => {
    const at = folder()
    expect(await rejected(Ensemble.load(at))).toMatchObject({ code: 'ERR_KAN_FILE', details: { kind: 'io' } })
    for (const text of ['{', '3', '{}', '{"version":1,"members":["../model.kan"]}', '{"version":1,"members":[]}']) {
      writeFileSync(path.join(at, 'ensemble.json'), text)
      expect(await rejected(Ensemble.load(at))).toMatchObject({ code: 'ERR_KAN_FILE', details: { kind: 'corrupt' } })
    }
    writeFileSync(path.join(at, 'ensemble.json'), '{"version":2}')
    expect((await rejected(Ensemble.load(at))).details.kind).toBe('newer')
    writeFileSync(path.join(at, 'file'), '')
    const ensemble = await Ensemble.fit({ layers: [2, 1] }, surface(20), { members: 2, steps: 1 })
    expect((await rejected(ensemble.save(path.join(at, 'file')))).code).toBe('ERR_KAN_FILE')
  })
})

describe('stops', () => {
  test('all members for a signal', async () => {
    const controller = new AbortController()
    const fit = Ensemble.fit(options, surface(200), {
      members: 4,
      threads: 2,
      steps: 1e6,
      optimizer: 'adam',
      signal: controller.signal,
    })
    setTimeout(() => controller.abort('enough'), 30)
    const error = await rejected(fit)
    expect(error).toBeInstanceOf(KanAbortError)
    expect(error.cause).toBe('enough')
    expect(await rejected(Ensemble.fit(options, surface(9), { signal: AbortSignal.abort() }))).toBeInstanceOf(
      KanAbortError,
    )
  })

  test('all members for a callback that throws', async () => {
    const onMember = async () => {
      throw new Error('mine')
    }
    await expect(Ensemble.fit(options, surface(30), { steps: 1, onMember })).rejects.toThrow('mine')
  })
})

test('options that make no sense are refused', async () => {
  const fit = (fitOptions: object, model: object = options) =>
    rejected(Ensemble.fit(model as never, surface(9), fitOptions))
  expect(await fit({ members: 1 })).toBeInstanceOf(RangeError)
  expect((await fit({ checkpoint: { path: 'a', everySteps: 1 } })).message).toMatch(/'checkpoint' is not for several/)
  expect((await fit({ stepz: 3 })).message).toMatch(/Did you mean 'steps'/)
  expect(await fit({ onMember: 3 })).toBeInstanceOf(TypeError)
  expect(await fit({}, { layers: [2, 1], seed: 'x' })).toBeInstanceOf(TypeError)
})

test('a disposed ensemble is gone', async () => {
  const ensemble = await Ensemble.fit({ layers: [2, 1] }, surface(20), { members: 2, steps: 1 })
  ensemble.dispose()
  expect((await rejected(ensemble.predict([[0, 0]]))).code).toBe('ERR_KAN_DISPOSED')
})
