import { Kan } from 'kanode'
import { describe, expect, test } from 'vitest'
import { rejected, surface, thrown } from './helpers.js'

const data = surface(300)

describe('nodes that multiply', () => {
  test('learn a product, with every optimiser', async () => {
    const { x } = surface(200)
    const y = x.map(([a, b]) => a! * b!)
    for (const optimizer of ['lm', 'lbfgs', 'adam'] as const) {
      const model = new Kan({ layers: [2, { products: [2] }, 1], grid: 5 })
      expect([model.layers, model.products]).toEqual([
        [2, 1, 1],
        [[2], []],
      ])
      await model.fit({ x, y }, { optimizer, steps: optimizer === 'adam' ? 400 : 100 })
      const { r2 } = await model.evaluate({ x, y })
      expect(r2).toBeGreaterThan(optimizer === 'lm' ? 0.999999 : 0.9)
      expect(String(model)).toMatch(/products +layer 1: 2 factors/)
      expect(Kan.fromBytes(model.toBytes()).products).toEqual([[2], []])
    }
  })

  test('count as nodes; edges lead to sums', () => {
    const model = new Kan({ layers: [2, { sums: 3, products: [2, 3] }, 1] })
    expect(model.layers).toEqual([2, 5, 1])
    expect(model.edge(0, 1, 7).to).toBe(7)
    expect(thrown(() => model.edge(0, 1, 8))).toBeInstanceOf(RangeError)
    const message = (layer: unknown) => thrown(() => new Kan({ layers: [2, layer as number, 1] })).message
    expect(message({ sums: 1 })).toMatch(/^layers\[1\]\.products must be a list .*; found undefined/)
    expect(message({ products: [1] })).toBe('layers[1].products[0] must be a whole number at least 2; found 1')
    expect(message({ products: [] })).toMatch(/^layers\[1\] must be at least one node/)
    expect(message({ sums: -1, products: [2] })).toMatch(/^layers\[1\]\.sums must be/)
    expect(message({ multiply: 2 })).toMatch(/Unknown option 'multiply'/)
    expect(thrown(() => new Kan({ layers: [{ products: [2] }, 1] }))).toBeInstanceOf(TypeError)
  })
})

describe('the default optimiser', () => {
  test('is lm for small models, and another where something is asked for that lm can not do', async () => {
    const used = async (options: Parameters<Kan['fit']>[1]) => {
      const history = await new Kan({ layers: [2, 1] }).fit(data, { steps: 2, ...options })
      return history.optimizer
    }
    expect(await used({})).toBe('lm')
    expect(await used({ optimizer: { name: 'lm', tolerance: 1e-9 } })).toBe('lm')
    expect(await used({ loss: 'mae' })).toBe('lbfgs')
    expect(await used({ penalties: { l1: 1e-3 } })).toBe('lbfgs')
    expect(await used({ sam: 0.05 })).toBe('adam')
  })

  test('records have the grid, and a learning rate or a damping', async () => {
    const first = async (optimizer: 'lm' | 'lbfgs') => {
      const { records } = await new Kan({ layers: [2, 1] }).fit(data, { steps: 1, optimizer })
      return records[0]!
    }
    expect(await first('lm')).toMatchObject({ grid: 5, learningRate: null, damping: expect.any(Number) })
    expect(await first('lbfgs')).toMatchObject({ grid: 5, learningRate: 1, damping: null })
  })
})

describe('a schedule of grids', () => {
  test('trains on each of them, tells of each, and ends with the last', async () => {
    for (const optimizer of ['lm', 'lbfgs'] as const) {
      const model = new Kan({ layers: [2, 1, 1], grid: 3 })
      const history = await model.fit(data, { optimizer, grid: [3, 6, 12], steps: 20 })
      expect(history.levels.map(level => level.grid)).toEqual([3, 6, 12])
      expect(model.grid).toBe(12)
      expect(history.levels[0]!.refitRms).toBe(null)
      expect(history.levels[1]!.refitRms).toBeLessThan(1e-9)
      expect(history.levels[2]!.loss).toBeLessThan(history.levels[0]!.loss!)
      expect(new Set(history.records.map(record => record.grid))).toEqual(new Set([3, 6, 12]))
      const text = String(history)
      expect(text).toMatch(/grid +steps +loss +refit rms +seconds/)
      expect(text).toContain(`optimizer  ${optimizer}`)
    }
  })
})

describe('regularization', () => {
  test('is found from noisy data, given, or none', async () => {
    const truth = data.x.map(([a, b]) => Math.sin(3 * a!) + b! ** 2)
    const y = truth.map((value, i) => value + 0.3 * Math.sin(12.9898 * i * i))
    const fit = async (regularization?: unknown) => {
      const model = new Kan({ layers: [2, 1], grid: 20 })
      const history = await model.fit({ x: data.x, y }, { regularization: regularization as never })
      return { history, truth: (await model.evaluate({ x: data.x, y: truth })).rmse }
    }
    const auto = await fit()
    expect(auto.history.regularization).toMatchObject({ order: expect.any(Number), lambda: expect.any(Number) })
    expect(auto.history.regularization!.noise).toBeGreaterThan(0)
    expect(auto.history.regularization!.effectiveParameters).toBeGreaterThan(1)
    expect(String(auto.history)).toMatch(/prior +order \d, lambda /)
    const none = await fit('none')
    expect(auto.truth).toBeLessThan(none.truth)
    const given = await fit({ lambda: 0.5, order: 3 })
    expect(given.history.regularization).toMatchObject({ order: 3, lambda: 0.5, ridge: 0, noise: null })
  })
})

describe('continual learning', () => {
  test('changes nothing where there are no rows', async () => {
    const model = new Kan({ layers: [1, 1], base: 'zero', domain: [0, 1], standardize: false, grid: 50 })
    const part = (from: number, to: number) => {
      const x = Array.from({ length: 60 }, (_, i) => [from + ((to - from) * (i + 0.5)) / 60])
      return { x, y: x.map(([a]) => Math.sin(20 * a!)) }
    }
    await model.fit(part(0, 0.4), { continual: true })
    const early = Array.from({ length: 30 }, (_, i) => [i / 80])
    const before = await model.predict(early)
    await model.fit(part(0.6, 1), { continual: true })
    expect(await model.predict(early)).toEqual(before)
    expect((await model.evaluate(part(0.6, 1))).rmse).toBeLessThan(1e-3)
    const error = await rejected(new Kan({ layers: [2, 1] }).fit(data, { continual: true }))
    expect(error.message).toMatch(/^base: expected 'zero' in a model for continual learning.*, found silu/)
  })
})

describe('options of a fit that shape it', () => {
  test.each([
    [{ grid: 5 }, /^grid must be a list of ascending whole numbers/],
    [{ grid: [] }, /^grid must be a list of ascending grids/],
    [{ grid: [5, 5] }, /^grid must be a list of ascending grids; found 5 after 5/],
    [{ grid: [5, 0] }, /^grid\[1\] must be a whole number from 1 to 4096; found 0/],
    [{ starts: 0 }, /^starts must be a whole number from 1 to 1000; found 0/],
    [{ starts: 2, optimizer: 'adam' }, /lm for several starts/],
    [{ regularization: 'some' }, /^regularization must be one of 'auto'.*'none'; found 'some'/],
    [{ regularization: 3 }, /^regularization must be 'auto', 'none' or an object/],
    [{ regularization: { lambda: -1 } }, /^regularization\.lambda must be a number at least 0; found -1/],
    [{ regularization: { lambda: 1, order: 7 } }, /^regularization\.order must be a whole number from 1 to 6/],
    [{ gridUpdate: { every: 0 } }, /^gridUpdate\.every must be a whole number at least 1; found 0/],
    [{ gridUpdate: { margin: 2 } }, /^gridUpdate\.margin must be a number from 0 to 1; found 2/],
    [{ gridUpdate: { uniform: '1' } }, /^gridUpdate\.uniform must be a number from 0 to 1; found '1'/],
    [{ penalties: { l1: -1 } }, /^penalties\.l1 must be a number at least 0; found -1/],
    [{ penalties: { L1: 1 } }, /Unknown option 'L1' in penalties/],
    [{ penalties: { l1: 1 }, optimizer: 'lm' }, /penalties/],
    [{ sam: 0 }, /^sam must be a number greater than 0; found 0/],
    [{ sam: 0.1, optimizer: 'lbfgs' }, /adam, adamw or sgd with sam/],
    [{ continual: 1 }, /^continual must be true or false; found 1/],
    [{ optimizer: 'LM' }, /^optimizer must be one of .*'lm'.*; found 'LM'/],
    [{ optimizer: { name: 'lm', tolerance: 1 } }, /^optimizer\.tolerance must be a number from 0|less than 1/],
    [{ optimizer: { name: 'lm', history: 3 } }, /Unknown option 'history' in optimizer 'lm'/],
  ])('%o is refused', async (options, message) => {
    const error = await rejected(new Kan({ layers: [2, 1] }).fit(data, options as never))
    expect(error.code).toBe('ERR_KAN_OPTION')
    expect(error.message).toMatch(message)
  })

  test('grid updates and penalties are heeded', async () => {
    const fit = async (options: object) => {
      const model = new Kan({ layers: [2, 2, 1] })
      await model.fit(data, { optimizer: 'lbfgs', steps: 10, ...options })
      return model
    }
    const fixed = await fit({ gridUpdate: false })
    expect(fixed.edge(1, 0, 0).domain).toEqual([-3, 3])
    const moving = await fit({ gridUpdate: { every: 5, uniform: 0.5, margin: 0.2 } })
    expect(moving.edge(1, 0, 0).domain).not.toEqual([-3, 3])
    const sparse = await fit({ penalties: { l1: 10, coefficient: 10 } })
    const size = (model: Kan) => model.parameters.reduce((sum, p) => sum + Math.abs(p), 0)
    expect(size(sparse)).toBeLessThan(size(fixed))
  })
})
