import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { inspect } from 'node:util'
import { Dataset, Kan, type TrainingRecord } from 'kanode'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type * as Native from '../../src/native.cjs'
import { folder, rejected, surface, thrown } from './helpers.js'

const data = new Dataset(surface(200))
const options = { layers: [2, 5, 1], seed: 0 }

describe('a fit', () => {
  test('lowers the loss and says how', async () => {
    const model = new Kan(options)
    const history = await model.fit(data, { steps: 40, validation: 0.2, seed: 3 })
    expect(history.records.map(record => record.step)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
    expect(history.lossName).toBe('mse')
    expect(history.stop).toBe('completed')
    expect([history.trainingRows, history.validationRows]).toEqual([160, 40])
    expect(history.last!.loss).toBeLessThan(history.records[0]!.loss / 10)
    expect(history.best).toMatchObject({ watched: 'validation' })
    expect(history.seconds).toBeGreaterThan(0)
    expect((await model.evaluate(data)).rmse).toBeLessThan(0.2)
    expect(model.fitted).toBe(true)
    expect(model.loss).toBe('mse')
    expect(inspect(history)).toMatch(/TrainingHistory: completed after 40 steps[\s\S]*step +loss +validation loss/)
  })

  test('gives errors in the units of the target', async () => {
    const scaled = new Dataset({ x: data.x, y: data.y.data.map(y => 1000 * y) })
    const history = await new Kan(options).fit(scaled, { steps: 3, validation: 0.2 })
    const plain = await new Kan(options).fit(data, { steps: 3, validation: 0.2 })
    history.records.forEach((record, i) => {
      expect(record.loss).toBeCloseTo(plain.records[i]!.loss, 6)
      expect(record.rmse! / plain.records[i]!.rmse!).toBeCloseTo(1000, 3)
      expect(record.validationRmse! / plain.records[i]!.validationRmse!).toBeCloseTo(1000, 3)
    })
    const model = new Kan({ ...options, standardize: false })
    const { last } = await model.fit(data, { steps: 3, restoreBest: false })
    expect(last!.rmse).toBeCloseTo(Math.sqrt(last!.loss), 12)
    expect((await model.evaluate(data)).rmse).toBeCloseTo(last!.rmse!, 9)
    const mae = await new Kan(options).fit(data, { steps: 1, loss: 'mae' })
    expect(mae.last).not.toHaveProperty('rmse')
    expect(mae.last).not.toHaveProperty('validationLoss')
  })

  test('with the same seeds gives the same bits, whatever the number of threads', async () => {
    const fit = async (threads: number) => {
      const model = new Kan(options)
      await model.fit(data, { optimizer: 'adam', epochs: 3, batchSize: 32, seed: 1, threads })
      return model.parameters
    }
    const expected = await fit(1)
    expect(await fit(2)).toEqual(expected)
    expect(await fit(3)).toEqual(expected)
  })

  test('with mini-batches has one record for each pass', async () => {
    const history = await new Kan(options).fit(data, { optimizer: 'adam', epochs: 4, batchSize: 50 })
    expect(history.records.map(record => [record.epoch, record.step])).toEqual([
      [1, 4],
      [2, 8],
      [3, 12],
      [4, 16],
    ])
    expect(history.epochs).toBe(4)
  })

  test('takes samples as well as datasets, for training and for validation', async () => {
    const { x, y } = surface(50)
    const history = await new Kan(options).fit({ x, y }, { steps: 2, validation: surface(20) })
    expect([history.trainingRows, history.validationRows]).toEqual([50, 20])
  })

  test('rows of weight 0 have no influence', async () => {
    const { x, y } = surface(60)
    const noisy = y.map((value, i) => (i % 3 === 0 ? 1e6 : value))
    const weights = y.map((_, i) => (i % 3 === 0 ? 0 : 1))
    const keep = (_: unknown, i: number) => i % 3 !== 0
    const [weighted, kept] = [new Kan(options), new Kan(options)]
    await weighted.fit({ x, y: noisy, weights }, { steps: 10 })
    await kept.fit({ x: x.filter(keep), y: y.filter(keep) }, { steps: 10 })
    expect(weighted.parameters).toEqual(kept.parameters)
  })

  test('stops early and restores the best', async () => {
    const { x, y } = surface(40)
    const noisy = y.map((value, i) => value + 3 * Math.sin(99 * i))
    const model = new Kan({ layers: [2, 8, 1], grid: 20 })
    const history = await model.fit({ x, y: noisy }, { steps: 500, validation: 0.3, earlyStopping: { patience: 5 } })
    expect(history.stop).toBe('earlyStopped')
    expect(history.records.length).toBeLessThan(500)
    expect(history.restored).toBe(true)
  })

  test('needs targets of the right width', async () => {
    const model = new Kan(options)
    const wide = { x: [[1, 2]], y: [[1, 2]] }
    expect((await rejected(model.fit({ x: [[1, 2]] }))).message).toMatch(/The training data has no targets/)
    expect((await rejected(model.fit(wide))).message).toMatch(/2 target columns; the model has 1 output/)
    expect((await rejected(model.fit({ x: [[1]], y: [1] }))).message).toMatch(
      /1 feature; the model has 2 inputs[\s\S]*layers: \[1, …\]/,
    )
    expect((await rejected(model.fit(undefined as never))).message).toMatch(/must be a Dataset/)
    expect((await rejected(model.evaluate(wide))).code).toBe('ERR_KAN_SHAPE')
    const validation = { x: [[1, 2, 3]], y: [1] }
    expect((await rejected(model.fit(data, { validation }))).message).toMatch(/the validation data has 3 features/)
    expect(model.fitted).toBe(false)
  })

  test('that diverges keeps the model and says so', async () => {
    const model = new Kan(options)
    await model.fit(data, { steps: 5 })
    const error = await rejected(
      model.fit(data, { optimizer: { name: 'sgd', momentum: 0.99 }, learningRate: 1e200, steps: 50 }),
    )
    expect(error.code).toBe('ERR_KAN_DIVERGED')
    expect(error.message).toMatch(/diverged at step \d+.*edge from node/)
    expect(model.parameters.every(Number.isFinite)).toBe(true)
    expect((await model.evaluate(data)).rmse).toBeLessThan(1)
  })
})

describe('resuming', () => {
  const fits = [
    { optimizer: 'lbfgs' },
    { optimizer: 'adam', batchSize: 64, seed: 5 },
    { optimizer: { name: 'sgd', momentum: 0.8, nesterov: true }, learningRate: 0.001, batchSize: 30 },
    { optimizer: { name: 'adamw', weightDecay: 0.1 }, schedule: { name: 'cosine', total: 100 } },
    { optimizer: 'adam', schedule: { name: 'step', every: 30 } },
  ] as const
  test.each(fits.flatMap(fit => [['f64', fit] as const, ['f32', fit] as const]))(
    '100 steps are 50, a file, and 50: %s, %j',
    async (dtype, fit) => {
      const straight = new Kan({ ...options, dtype })
      await straight.fit(data, { ...fit, steps: 100, restoreBest: false })
      const first = new Kan({ ...options, dtype })
      await first.fit(data, { ...fit, steps: 50, restoreBest: false })
      const file = path.join(folder(), 'half.kan')
      await first.save(file, { optimizerState: true })
      const second = await Kan.load(file)
      expect(second.resumable).toBe(true)
      const history = await second.fit(data, { ...fit, steps: 50, resume: true, restoreBest: false })
      expect(history.records[0]!.step).toBe(51)
      expect(history.steps).toBe(100)
      expect(second.parameters).toEqual(straight.parameters)
    },
  )

  test('is refused where there is nothing to resume', async () => {
    const model = new Kan(options)
    expect((await rejected(model.fit(data, { resume: true }))).message).toMatch(/resume/)
    await model.fit(data, { steps: 2 })
    expect(Kan.fromBytes(model.toBytes()).resumable).toBe(false)
    const { parameters } = model
    model.parameters = parameters
    expect(model.resumable).toBe(false)
  })
})

describe('records', () => {
  test('come to the callback in order, the last one always', async () => {
    const seen: TrainingRecord[] = []
    const history = await new Kan(options).fit(data, { steps: 30, onStep: record => seen.push(record) })
    expect(seen.at(-1)).toEqual(history.last)
    const steps = seen.map(record => record.step)
    expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b))
    for (const record of seen) expect(history.records[record.step - 1]).toEqual(record)
  })

  test('come as an iteration that ends with the history', async () => {
    const model = new Kan(options)
    const seen: number[] = []
    const steps = model.fitSteps(data, { steps: 30 })
    let turn = await steps.next()
    for (; !turn.done; turn = await steps.next()) seen.push(turn.value.step)
    expect(seen).toEqual(Array.from({ length: 30 }, (_, i) => i + 1))
    expect(turn.value.records).toHaveLength(30)
    expect(model.fitted).toBe(true)
  })

  test('leaving the loop stops the fit and leaves the model usable', async () => {
    const model = new Kan(options)
    let turns = 0
    for await (const record of model.fitSteps(data, { steps: 1_000_000 })) {
      expect(record.step).toBeGreaterThan(0)
      if (++turns === 3) break
    }
    expect(turns).toBe(3)
    expect(model.resumable).toBe(true)
    expect((await model.fit(data, { steps: 1, resume: true })).records[0]!.step).toBeLessThan(1_000_000)
  })

  test('an iteration that is never begun does not train', async () => {
    const model = new Kan(options)
    const steps = model.fitSteps(data, { steps: 3 })
    await steps.return(undefined as never)
    expect(model.fitted).toBe(false)
  })

  test('an iteration throws what is wrong at once', async () => {
    const model = new Kan(options)
    expect(thrown(() => model.fitSteps(data, { steps: -1 }))).toBeInstanceOf(RangeError)
    expect(thrown(() => model.fitSteps({ x: [[1, 2, 3]], y: [1] })).code).toBe('ERR_KAN_SHAPE')
  })

  test('an iteration copies data and options in the call', async () => {
    const [expected, changed] = [new Kan(options), new Kan(options)]
    await expected.fit(data, { steps: 5, optimizer: 'lbfgs' })
    const { x, y } = surface(200)
    const samples = { x: { data: Float64Array.from(x.flat()), shape: [200, 2] as const }, y: Float64Array.from(y) }
    const fit = { steps: 5, optimizer: { name: 'lbfgs' as const, history: 10 } }
    const steps = changed.fitSteps(samples, fit)
    samples.x.data.fill(Number.NaN)
    samples.y.fill(Number.NaN)
    fit.steps = 1
    fit.optimizer.history = 1
    await drain(steps)
    expect(changed.parameters).toEqual(expected.parameters)
  })

  test('an iteration that begins after another fit fits what the model is then', async () => {
    const model = new Kan({ layers: [2, 1] })
    const named = (featureNames: string[]) => new Dataset({ ...surface(20), featureNames })
    const steps = model.fitSteps(named(['a', 'b']), { steps: 1 })
    await model.fit(named(['c', 'd']), { steps: 1 })
    expect((await rejected(steps.next())).message).toMatch(/is 'a'; the model expects 'c'/)
    expect(model.inputNames).toEqual(['c', 'd'])
  })

  test('a callback that throws stops the fit, which throws the same', async () => {
    const model = new Kan(options)
    const mine = new Error('mine')
    let calls = 0
    const fit = model.fit(data, {
      steps: 1_000_000,
      onStep() {
        calls += 1
        throw mine
      },
    })
    await expect(fit).rejects.toBe(mine)
    expect(calls).toBe(1)
    expect((await model.fit(data, { steps: 2 })).stop).toBe('completed')
  })

  test('a callback whose promise rejects does so as well', async () => {
    const fit = new Kan(options).fit(data, { steps: 1_000_000, onStep: () => Promise.reject(new Error('later')) })
    await expect(fit).rejects.toThrow('later')
    const loop = new Kan(options).fitSteps(data, { steps: 1_000_000, onStep: () => Promise.reject(new Error('later')) })
    await expect(drain(loop)).rejects.toThrow('later')
  })

  test('the fit waits for the promises of its callback', async () => {
    let done = 0
    await new Kan(options).fit(data, {
      steps: 3,
      onStep: async () => {
        await new Promise(resolve => setTimeout(resolve, 20))
        done += 1
      },
    })
    expect(done).toBeGreaterThan(0)
  })
})

async function drain(steps: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of steps);
}

describe('aborting', () => {
  test('before the fit rejects at once', async () => {
    const model = new Kan(options)
    const reason = new Error('changed my mind')
    const error = await rejected(model.fit(data, { signal: AbortSignal.abort(reason) }))
    expect(error).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR', cause: reason })
    expect(model.fitted).toBe(false)
  })

  test('during the fit keeps what was learnt, to be resumed', async () => {
    const model = new Kan(options)
    const controller = new AbortController()
    const fit = model.fit(data, {
      steps: 1_000_000,
      signal: controller.signal,
      onStep: ({ step }) => step >= 5 && controller.abort(),
    })
    const error = await rejected(fit)
    expect(error.name).toBe('AbortError')
    expect(error.cause).toBe(controller.signal.reason)
    const { history } = error.details as { history: { records: unknown[]; steps: number; stop: string } }
    expect(history.stop).toBe('cancelled')
    expect(history.records.length).toBeGreaterThanOrEqual(5)
    expect(model.parameters).not.toEqual(new Kan(options).parameters)
    const resumed = await model.fit(data, { steps: 2, resume: true })
    expect(resumed.records[0]!.step).toBe(history.steps + 1)
  })

  test('by a timeout has the timeout for its cause', async () => {
    const error = await rejected(new Kan(options).fit(data, { steps: 10_000_000, signal: AbortSignal.timeout(30) }))
    expect(error.name).toBe('AbortError')
    expect(error.cause).toMatchObject({ name: 'TimeoutError' })
  })

  test('one signal serves many fits, and no listener stays behind', async () => {
    const { signal } = new AbortController()
    let listeners = 0
    const counted = {
      get aborted() {
        return signal.aborted
      },
      addEventListener() {
        listeners += 1
      },
      removeEventListener() {
        listeners -= 1
      },
    }
    for (let i = 0; i < 3; i++) await new Kan(options).fit(data, { steps: 1, signal: counted })
    expect(listeners).toBe(0)
    const controller = new AbortController()
    const fits = [0, 1].map(() => new Kan(options).fit(data, { steps: 1_000_000, signal: controller.signal }))
    controller.abort()
    for (const error of await Promise.all(fits.map(rejected))) expect(error.name).toBe('AbortError')
  })

  test('an iteration rejects', async () => {
    const controller = new AbortController()
    const steps = new Kan(options).fitSteps(data, { steps: 1_000_000, signal: controller.signal })
    await steps.next()
    controller.abort()
    expect((await rejected(drain(steps))).name).toBe('AbortError')
  })
})

describe('a busy model', () => {
  test('can be asked but not changed', async () => {
    const model = new Kan(options)
    const before = model.parameters
    const controller = new AbortController()
    const fit = model.fit(data, { steps: 1_000_000, signal: controller.signal })
    expect((await rejected(model.fit(data))).code).toBe('ERR_KAN_BUSY')
    expect(thrown(() => model.dispose()).code).toBe('ERR_KAN_BUSY')
    expect(
      thrown(() => {
        model.parameters = before
      }).code,
    ).toBe('ERR_KAN_BUSY')
    expect(model.parameters).toEqual(before)
    expect(await model.predict([[0, 0]])).toHaveLength(1)
    expect(model.predictSync([0, 0])).toHaveLength(1)
    controller.abort()
    await rejected(fit)
    expect((await model.fit(data, { steps: 1 })).steps).toBe(1)
  })
})

test('the first error is the one that is told, not that the model is unusable after it', async () => {
  const model = new Kan(options)
  const { NativeModel } = createRequire(import.meta.url)('../../dist/native.js') as typeof Native
  const panic = JSON.stringify({ code: 'ERR_KAN_INTERNAL', message: 'index 3 of 2', details: {} })
  const unusable = new Error(
    JSON.stringify({ code: 'ERR_KAN_UNUSABLE', message: 'the model is unusable', details: {} }),
  )
  vi.spyOn(NativeModel.prototype, 'fit').mockResolvedValueOnce({ ok: false, error: panic })
  vi.spyOn(NativeModel.prototype, 'describe').mockImplementation(() => {
    throw unusable
  })
  onTestFinished(() => void vi.restoreAllMocks())
  expect(await rejected(model.fit(data, { steps: 1 }))).toMatchObject({
    code: 'ERR_KAN_INTERNAL',
    message: expect.stringMatching(/^Index 3 of 2\nHint: This is a bug/),
  })
  vi.restoreAllMocks()
  expect((await model.fit(data, { steps: 1 })).stop).toBe('completed')
})

describe('checkpoints', () => {
  test('can be resumed with the same bits', async () => {
    const file = path.join(folder(), 'check.kan')
    const model = new Kan(options)
    const fit = { optimizer: 'adam' as const, restoreBest: false }
    await model.fit(data, { ...fit, steps: 25, checkpoint: { path: file, everySteps: 10 } })
    const again = await Kan.load(file)
    await again.fit(data, { ...fit, steps: 5, resume: true })
    expect(again.parameters).toEqual(model.parameters)
  })

  test('keep names and encoding', async () => {
    const file = path.join(folder(), 'check.kan')
    const rows = surface(20).x.map(([a, b], i) => ({ a: a!, b: i % 2 ? 'odd' : 'even', c: b! }))
    const named = Dataset.fromRows(rows, { target: 'c' })
    await new Kan({ layers: [3, 1] }).fit(named, { steps: 2, checkpoint: { path: file, everySteps: 1 } })
    const again = await Kan.load(file)
    expect(again.encoding).toEqual(named.encoding)
    expect(await again.predict([{ a: 0, b: 'odd' }])).toEqual([{ c: expect.any(Number) }])
  })

  test('that cannot be written end the fit', async () => {
    const checkpoint = { path: path.join(folder(), 'no', 'such', 'folder.kan'), everySteps: 1 }
    const error = await rejected(new Kan(options).fit(data, { steps: 3, checkpoint }))
    expect(error).toMatchObject({ code: 'ERR_KAN_FILE', details: { kind: 'io', step: 1, file: checkpoint.path } })
    expect(error.message.startsWith(`The model can't be written to '${checkpoint.path}': `)).toBe(true)
    expect(error.message).not.toContain('.tmp')
    expect(existsSync(checkpoint.path)).toBe(false)
  })

  test('are written every so many seconds', async () => {
    const file = path.join(folder(), 'check.kan')
    const controller = new AbortController()
    const fit = new Kan(options).fit(data, {
      optimizer: 'adam',
      steps: 1_000_000_000,
      checkpoint: { path: file, everySeconds: 0.01 },
      signal: controller.signal,
      onStep: () => existsSync(file) && controller.abort(),
    })
    expect((await rejected(fit)).name).toBe('AbortError')
    const again = await Kan.load(file)
    expect([again.fitted, again.resumable]).toEqual([true, true])
  })

  test('go where the working directory was when the fit began', async () => {
    const [here, there] = [folder(), folder()]
    const before = process.cwd()
    onTestFinished(() => process.chdir(before))
    process.chdir(here)
    const fit = new Kan(options).fit(data, { steps: 3, checkpoint: { path: 'check.kan', everySteps: 1 } })
    process.chdir(there)
    await fit
    expect([existsSync(path.join(here, 'check.kan')), existsSync(path.join(there, 'check.kan'))]).toEqual([true, false])
  })
})
