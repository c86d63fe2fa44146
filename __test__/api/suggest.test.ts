/** What edges of trained models may be. */
import { inspect } from 'node:util'
import { Dataset, Formula, Kan } from 'kanode'
import { beforeAll, describe, expect, test } from 'vitest'
import { surface, thrown } from './helpers.js'

describe('suggest', () => {
  const data = surface(1000)
  const model = new Kan({ layers: [2, 1, 1], grid: 5, seed: 1 })
  beforeAll(async () => {
    await model.fit(data, { optimizer: 'lm', grid: [5, 20] })
  })

  test('finds sine, square and exponential in exp(sin πx + y²)', async () => {
    expect((await model.evaluate(data)).rmse).toBeLessThan(1e-4)
    for (const given of [data, data.x, undefined]) {
      const first = (layer: number, from: number) => model.suggest({ layer, from, to: 0, data: given }).best!
      expect(first(0, 0).family).toBe('sin')
      expect(first(0, 1).family).toBe('x^2')
      expect(first(1, 0).family).toBe('exp')
      expect(first(0, 0).error).toBeLessThan(1e-3)
    }
    // The frequency is that of the data, whatever the scaler.
    const sine = model.suggest({ layer: 0, from: 0, to: 0, data }).best!.formula
    const slopes = sine.derivative('x')
    expect(slopes.evaluate([0.5]) / slopes.evaluate([0])).toBeCloseTo(0, 3)
    expect(sine.evaluate([2]) - sine.evaluate([0])).toBeCloseTo(0, 2)
  })

  test('changes nothing', () => {
    const before = model.toBytes()
    model.suggest({ layer: 0, from: 0, to: 0, data })
    expect(model.toBytes()).toEqual(before)
  })

  test('ranks the families that are asked for, formulas among them', () => {
    const ask = (families: readonly (string | Formula)[]) => model.suggest({ layer: 1, from: 0, to: 0, data, families })
    expect([...ask(['tanh', 'x'])].map(({ family }) => family)).toEqual(['tanh', 'x'])
    const list = ask(['default', 'softplus', Formula.parse('2^(k*x)')]).list
    expect(list.map(({ family }) => family)).toEqual(expect.arrayContaining(['softplus', '2^(k*x)', 'exp', 'constant']))
    const [exp, power] = ['exp', '2^(k*x)'].map(name => list.find(({ family }) => family === name)!)
    expect(power!.error).toBeCloseTo(exp!.error, 6)
    expect(list[0]!.bits).toBe(0)
    expect(list.every(({ bits }, at) => at === 0 || bits >= list[at - 1]!.bits)).toBe(true)
    for (const { error, r2, formula, complexity } of list) {
      expect(r2).toBeCloseTo(1 - error ** 2, 12)
      expect(formula.complexity).toBe(complexity)
    }
  })

  test('formulas of the first layer are of the input by its name', async () => {
    const x = Array.from({ length: 200 }, (_, i) => [100 + i / 4])
    const y = x.map(([w]) => 5 * Math.sqrt(w! - 90) + 3)
    const named = new Kan({ layers: [1, 1], grid: 10 })
    const train = new Dataset({ x, y, featureNames: ['body mass'] })
    await named.fit(train)
    const found = named.suggest({ layer: 0, from: 0, to: 0, data: train })
    expect(found.best!.family).toBe('sqrt(x)')
    expect(found.best!.formula.variables).toEqual(['body mass'])
    const { formula } = found.best!
    expect(formula.evaluate({ 'body mass': 140 }) - formula.evaluate([106])).toBeCloseTo(5 * (Math.sqrt(50) - 4), 2)
    expect(found.best!.formula.domain[0]).toMatch(/^`body mass` - (90|89\.9)[\d.]* ≥ 0$/)
  })

  test('console.log shows a table', () => {
    const text = inspect(model.suggest({ layer: 0, from: 1, to: 0, data }))
    expect(text).toMatch(/^Suggestions for layer 0, node 1 to node 0\n {2}family +error +bits +complexity +formula\n/)
    expect(text).toMatch(/\n {2}x\^2 +[\d.e-]+ +0 +[\d.]+ +[^\n]*x[^\n]*\n/)
    expect(text).toMatch(/… and \d+ more$/)
  })

  test('refuses what can not be', () => {
    const message = (options: unknown) => thrown(() => model.suggest(options as never)).message
    expect(message(undefined)).toMatch(/^The argument of suggest must be \{ layer, from, to \}/)
    expect(message({ layer: 0, from: 0 })).toMatch(/^to must be a whole number/)
    expect(message({ layer: 2, from: 0, to: 0 })).toMatch(/layer/)
    expect(message({ layer: 0, from: 0, to: 0, families: [] })).toMatch(/^families must be a list/)
    expect(message({ layer: 0, from: 0, to: 0, families: ['sine'] })).toMatch(/Did you mean 'sin'\?/)
    expect(message({ layer: 0, from: 0, to: 0, noise: 1 })).toMatch(/^noise must be/)
    const none = { layer: 0, from: 0, to: 0, families: [Formula.parse('a*t')] }
    expect(thrown(() => model.suggest(none))).toMatchObject({ code: 'ERR_KAN_FORMULA' })
    expect(message(none)).toMatch(/function of x/)
    expect(message({ layer: 0, from: 0, to: 0, data: [[1, 2, 3]] })).toMatch(/3/)
    const one = { layer: 0, from: 0, to: 0, data: [[0.5, 0.5]] }
    expect(thrown(() => model.suggest(one))).toMatchObject({ code: 'ERR_KAN_NUMBER' })
  })
})
