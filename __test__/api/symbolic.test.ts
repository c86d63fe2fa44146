/** Edges that are formulas, and the formula of a whole model. */
import { inspect } from 'node:util'
import { Dataset, Formula, Kan, KanAbortError, type ModelFormulas, SymbolicResult } from 'kanode'
import { beforeAll, describe, expect, test } from 'vitest'
import { surface, thrown } from './helpers.js'

const square = { layer: 0, from: 1, to: 0 }
const outer = { layer: 1, from: 0, to: 0 }

describe('edges that are formulas', () => {
  const data = surface(600)
  const model = new Kan({ layers: [2, 1, 1], grid: 5, seed: 1 })
  beforeAll(async () => {
    await model.fit(data, { optimizer: 'lm', grid: [5, 20] })
  })

  test('fix gives a new model and leaves the old one alone', async () => {
    const before = model.toBytes()
    const fixed = model.fix(square, 'x^2', { data }).fix(outer, 'exp', { data })
    expect(model.toBytes()).toEqual(before)
    expect(model.edge(0, 1, 0).formula).toBeNull()
    expect(fixed.edge(0, 1, 0).formula!.variables).toEqual(['x'])
    expect(fixed.edge(1, 0, 0).formula!.toString()).toContain('exp(')
    expect(fixed.parameterCount).toBeGreaterThan(model.parameterCount)
    expect((await fixed.evaluate(data)).rmse).toBeLessThan(0.05)
    expect(inspect(fixed.edge(0, 1, 0))).toContain('formula')
    expect(inspect(fixed)).toMatch(/formulas +on 2 edges/)
  })

  test.each(['lm', 'lbfgs', 'adam'] as const)('%s trains the numbers of formulas with the rest', async name => {
    const fixed = model.fix(square, Formula.parse('0.9*x^2'), { data })
    const before = (await fixed.evaluate(data)).rmse
    await fixed.fit(data, { optimizer: name, steps: 60 })
    expect((await fixed.evaluate(data)).rmse).toBeLessThan(before / 2)
    // The gauge between inner and outer functions is free: the shape is what must stay.
    const { formula } = fixed.edge(0, 1, 0)
    const [zero, one, two] = [0, 0.5, 1].map(x => formula!.evaluate([x]))
    expect((two! - zero!) / (one! - zero!)).toBeCloseTo(4, 6)
    expect(formula!.toString()).not.toBe('0.9*x^2')
  })

  test('lock freezes the numbers, and free brings a spline back', async () => {
    const locked = model.fix(square, Formula.parse('0.75*x^2')).lock(square)
    expect(locked.edge(0, 1, 0).locked).toBe(true)
    await locked.fit(data, { optimizer: 'lm', steps: 20 })
    expect(locked.edge(0, 1, 0).formula!.toString()).toBe('0.75*x^2')
    const free = locked.free(square)
    expect(free.edge(0, 1, 0).formula).toBeNull()
    const difference = (a: number[][], b: number[][]) => Math.max(...a.map((row, i) => Math.abs(row[0]! - b[i]![0]!)))
    const rows = Array.from({ length: 50 }, (_, i) => [Math.sin(i), Math.cos(3 * i)])
    expect(difference(await free.predict(rows), await locked.predict(rows))).toBeLessThan(1e-3)
  })

  test('zero, constants by name and pruned edges', async () => {
    const zero = model.fix(square, 'zero')
    expect(zero.edge(0, 1, 0).formula!.toString()).toBe('0')
    const named = model.fix(outer, Formula.parse('a*exp(b*x)'), { data })
    expect(named.edge(1, 0, 0).formula!.variables).toEqual(['x'])
    const pruned = await model.prune(data, { remove: { edges: [square] } })
    const back = pruned.fix(square, Formula.parse('0.5*x^2'))
    expect(back.edge(0, 1, 0).formula).not.toBeNull()
  })

  test('a model file keeps formulas', async () => {
    const fixed = model.fix(square, 'x^2', { data }).lock(square).fix(outer, 'exp', { data })
    const again = Kan.fromBytes(fixed.toBytes())
    expect(again.edge(1, 0, 0).formula!.equals(fixed.edge(1, 0, 0).formula!)).toBe(true)
    expect(again.edge(0, 1, 0).locked).toBe(true)
    const rows = [
      [0.1, 0.2],
      [-0.4, 0.9],
    ]
    expect(await again.predict(rows)).toEqual(await fixed.predict(rows))
    expect(again.predictSync(rows)).toEqual(await fixed.predict(rows))
  })

  test('scores, pruning, refining and single-precision models go on working', async () => {
    const fixed = model.fix(square, 'x^2', { data })
    expect((await fixed.scores(data)).nodes[0]![1]).toBeGreaterThan(0.1)
    const before = (await fixed.evaluate(data)).rmse
    fixed.refine({ grid: 40 })
    expect((await fixed.evaluate(data)).rmse).toBeCloseTo(before, 6)
    const small = new Kan({ layers: [2, 1, 1], dtype: 'f32', seed: 1 })
    await small.fit(data, { optimizer: 'lm' })
    const single = small.fix(square, 'x^2', { data })
    expect((await single.evaluate(data)).rmse).toBeLessThan(0.05)
  })

  test('what an edge can not be is refused', () => {
    expect(thrown(() => new Kan({ layers: [2, 1] }).fix({ layer: 0, from: 0, to: 0 }, 'sin')).message).toContain(
      'trained',
    )
    expect(thrown(() => model.fix({ layer: 0, from: 7, to: 0 }, 'sin')).message).toContain('from')
    expect(thrown(() => model.fix(square, 'sine')).message).toContain('sin')
    expect(thrown(() => model.fix(square, Formula.parse('sqrt(-2 - x^2)'))).message).toContain('no value')
    expect(thrown(() => model.lock(square)).message).toContain('fix it first')
  })
})

describe('symbolic', () => {
  const data = surface(800)
  const model = new Kan({ layers: [2, 1, 1], grid: 5, seed: 3 })
  let formulas: ModelFormulas
  beforeAll(async () => {
    await model.fit(data, { optimizer: 'lm' })
    formulas = await model.symbolic(data)
  })

  test('finds exp(sin πx + y²) from a network, exactly', () => {
    const best = formulas.best()
    const [x, y] = best.formula.variables
    expect(
      best.formula.equals(Formula.parse(`exp(sin(pi*${x}) + ${y}^2)`, { variables: best.formula.variables })),
    ).toBe(true)
    expect(best.exact).toBe(true)
    expect(best.error).toBeLessThan(1e-12)
    // The unsnapped variant stays on the front or is as good; the constants tell what they are.
    expect(best.constants.some(({ snapped }) => snapped === 'pi')).toBe(true)
    expect(formulas.effort!.ended).toBe('exact')
    expect(formulas.hybrid).toBeNull()
  })

  test('says how far the formula is from the network', async () => {
    const { agreement, formula } = formulas.best()
    const predicted = await model.predict(data.x)
    const values = formula.evaluate(data.x)
    const differences = Array.from(values, (value, row) => Math.abs(value - predicted[row]![0]!))
    expect(agreement!.largest).toBeCloseTo(Math.max(...differences), 9)
    // The network's own error, in units of a target between 0.4 and 7.
    expect(agreement!.largest).toBeLessThan(0.05)
    expect(inspect(formulas)).toContain('from network')
  })

  test('predictions on other rows before it change nothing', async () => {
    await model.predict([
      [1e6, -1e6],
      [1e3, 0],
    ])
    await model.evaluate(new Dataset({ x: [[5, 5]], y: [1e9] }))
    const again = await model.symbolic(data, { threads: 1 })
    expect(again.front.map(String)).toEqual(formulas.front.map(String))
  })

  test('validation rows of another kind change nothing', async () => {
    const law = (a: number, b: number) => Math.exp(Math.sin(Math.PI * a) + b * b)
    const far = data.x.map(([a, b]) => [2.5 * a!, 2.5 * b!])
    for (const validation of [
      { x: far, y: far.map(([a, b]) => law(a!, b!)) },
      { x: data.x.slice(0, 3), y: [1e6, -1e6, 1e7] },
      {
        x: [
          [1e6, 1e6],
          [-1e6, 3],
        ],
        y: [0, 1],
      },
    ]) {
      expect((await model.symbolic(data, { validation })).best().formula.equals(formulas.best().formula)).toBe(true)
    }
  })

  test('a result can be saved and read', () => {
    const again = SymbolicResult.fromJSON(JSON.stringify(formulas))
    expect(again.best().formula.equals(formulas.best().formula)).toBe(true)
    expect(again.best().agreement).toEqual(formulas.best().agreement)
  })

  test('the best formula is a model again', () => {
    const best = formulas.best()
    const [row] = data.x
    expect(best.toModel().predictSync([row!])[0]![0]).toBeCloseTo(best.evaluate(row!), 12)
  })

  test('pruned inputs keep their names', async () => {
    const x = Array.from({ length: 300 }, (_, i) => [Math.sin(i), Math.cos(7 * i), Math.sin(3 * i + 1)])
    const named = new Dataset({ x, y: x.map(([a, , c]) => 2 * a! ** 2 + c!), featureNames: ['mass', 'dust', 'speed'] })
    const wide = new Kan({ layers: [3, 1], seed: 2 })
    await wide.fit(named, { optimizer: 'lm' })
    const lean = await wide.pruneInputs(named, { keep: 2 })
    const best = (await lean.symbolic(named)).best()
    expect(best.formula.variables).toEqual(['mass', 'speed'])
    expect(best.formula.toString()).toBe('2*mass^2 + speed')
  })

  test('progress is told, and an aborted search ends', async () => {
    const heard: number[] = []
    await model.symbolic(data, { onProgress: ({ evaluations }) => heard.push(evaluations) })
    expect(heard.length).toBeGreaterThan(0)
    const control = new AbortController()
    const search = model.symbolic(data, { signal: control.signal })
    control.abort()
    const aborted = await search.catch((error: unknown) => error)
    expect(aborted).toBeInstanceOf(KanAbortError)
    const { result } = (aborted as KanAbortError).details as { result: ModelFormulas }
    expect(result.front.length).toBeGreaterThan(0)
    expect(result.effort?.ended).toBe('signal')
    await expect(model.symbolic(data, { signal: control.signal })).rejects.toThrow(KanAbortError)
    expect((await model.symbolic(data)).best().exact).toBe(true)
  })

  test('models and data without a formula are refused', async () => {
    await expect(new Kan({ layers: [2, 1] }).symbolic(data)).rejects.toThrow('not been trained')
    const labels = Array.from({ length: 60 }, (_, i) => (i % 3 === 0 ? 1 : 0))
    const classes = new Kan({ layers: [1, 1] })
    const rows = labels.map((label, i) => [label + Math.sin(i)])
    await classes.fit({ x: rows, y: labels }, { loss: 'binaryCrossEntropy', steps: 5 })
    await expect(classes.symbolic({ x: rows, y: labels })).rejects.toThrow('classes')
    await expect(model.symbolic({ x: [[0, 1]], y: [1] })).rejects.toThrow('nothing to explain')
    await expect(
      model.symbolic({
        x: [
          [0, 1],
          [1, 0],
          [1, 1],
          [0, 2],
        ],
        y: [2, 2, 2, 2],
      }),
    ).rejects.toThrow('same number')
    await expect(model.symbolic(data, { beam: 0 })).rejects.toThrow('beam')
    await expect(model.symbolic(data, { output: 3 })).rejects.toThrow('output')
  })
})

describe('toModel', () => {
  test('gives a network that computes the formula, whose numbers can be trained', async () => {
    const formula = Formula.parse('2.5*sin(1.5*x)*y + z^2')
    const model = formula.toModel({ x: [0, 2] })
    expect(model.inputNames).toEqual(['x', 'y', 'z'])
    const rows = Array.from({ length: 20 }, (_, i) => [1 + Math.sin(i), Math.cos(i), Math.sin(5 * i)])
    const predicted = await model.predict(rows)
    for (const [row, value] of formula.evaluate(rows).entries()) expect(predicted[row]![0]).toBeCloseTo(value, 12)
    const target = Formula.parse('2*sin(1.4*x)*y + z^2')
    await model.fit({ x: rows, y: Array.from(target.evaluate(rows)) }, { optimizer: 'lm', steps: 50 })
    const best = (await model.symbolic({ x: rows, y: Array.from(target.evaluate(rows)) })).best()
    expect(best.error).toBeLessThan(1e-9)
  })

  test('formulas without a network are refused', () => {
    expect(thrown(() => Formula.parse('pi').toModel()).message).toContain('variables')
    expect(thrown(() => Formula.parse('x').toModel({ y: [0, 1] })).message).toContain('box')
  })
})
