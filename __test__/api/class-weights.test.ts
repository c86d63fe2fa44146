import { type ClassificationMetrics, type ClassWeights, Dataset, Kan } from 'kanode'
import { describe, expect, test } from 'vitest'
import { clusters, rejected } from './helpers.js'

/** A rare class among a frequent one, with some overlap. */
function lopsided(): { x: number[][]; y: string[] } {
  const kinds = Array.from({ length: 120 }, (_, i) => (i % 12 === 0 ? 'rare' : 'usual'))
  return { x: kinds.map((kind, i) => [Math.sin(7 * i) + (kind === 'rare' ? 1 : 0)]), y: kinds }
}

async function parametersOf(data: ConstructorParameters<typeof Dataset>[0], classWeights?: ClassWeights) {
  const classes = new Set(data.y as string[]).size
  const model = new Kan({ layers: [new Dataset(data).features, classes === 2 ? 1 : classes] })
  const history = await model.fit(new Dataset(data), { steps: 8, classWeights })
  return { parameters: model.parameters, loss: history.last!.loss, model }
}

describe('class weights are weights of rows', () => {
  test('by name, in order, and multiplied with those that are given', async () => {
    const { x, y } = clusters(60)
    const given = x.map((_, i) => 1 + (i % 4))
    const factors = { left: 2, middle: 1, right: 0.5 }
    const weights = given.map((weight, i) => weight * factors[y[i] as keyof typeof factors])
    const expected = await parametersOf({ x, y, weights })
    for (const classWeights of [factors, [2, 1, 0.5], { left: 2, right: 0.5 }] as const) {
      expect((await parametersOf({ x, y, weights: given }, classWeights)).parameters).toEqual(expected.parameters)
    }
  })

  test('balanced ones give every class the same sum and keep that of all', async () => {
    const { x, y } = lopsided()
    // 10 of 120 rows are rare: 60 / 10 and 60 / 110.
    const weights = y.map(kind => (kind === 'rare' ? 6 : 60 / 110))
    const expected = await parametersOf({ x, y, weights })
    const found = await parametersOf({ x, y }, 'balanced')
    expect(found.parameters).toEqual(expected.parameters)
    const recall = async (model: Kan) => (await model.evaluate<ClassificationMetrics>({ x, y })).perClass[0]!.recall
    expect(await recall(found.model)).toBeGreaterThan(await recall((await parametersOf({ x, y })).model))
  })

  test('probabilities as targets weigh by their parts', async () => {
    const { x } = clusters(60)
    const y = x.map((_, i) => (i % 3) / 2)
    const fit = async (weights: number[] | undefined, classWeights?: ClassWeights) => {
      const model = new Kan({ layers: [2, 1] })
      await model.fit({ x, y, weights }, { steps: 5, loss: 'binaryCrossEntropy', classWeights })
      return model.parameters
    }
    expect(await fit(undefined, { 1: 3 })).toEqual(await fit(y.map(p => 1 - p + 3 * p)))
    const three = new Kan({ layers: [2, 3] })
    const rows = x.map((_, i) => [0.5, i % 2 ? 0.5 : 0, i % 2 ? 0 : 0.5])
    await three.fit({ x, y: rows }, { steps: 3, loss: 'crossEntropy', classWeights: [1, 2, 3] })
    const same = new Kan({ layers: [2, 3] })
    const weights = rows.map(row => row[0]! + 2 * row[1]! + 3 * row[2]!)
    await same.fit({ x, y: rows, weights }, { steps: 3, loss: 'crossEntropy' })
    expect(three.parameters).toEqual(same.parameters)
  })

  test('rows to judge by are weighted as those to learn from', async () => {
    const { x, y } = lopsided()
    const factor = (kind: string) => (kind === 'rare' ? 5 : 1)
    const half = { x: x.slice(0, 60), y: y.slice(0, 60) }
    const rest = { x: x.slice(60), y: y.slice(60) }
    const fit = async (weigh: boolean) => {
      const weighted = (data: typeof half) => (weigh ? { ...data, weights: data.y.map(factor) } : data)
      const model = new Kan({ layers: [1, 1] })
      const options = weigh ? {} : { classWeights: { rare: 5 } }
      return (await model.fit(weighted(half), { steps: 4, validation: weighted(rest), ...options })).last
    }
    expect({ ...(await fit(false)), seconds: 0 }).toEqual({ ...(await fit(true)), seconds: 0 })
  })
})

describe('refused', () => {
  const { x, y } = clusters(30)
  const fit = (classWeights: unknown, layers = [2, 3], data: object = { x, y }) =>
    rejected(new Kan({ layers }).fit(data as never, { steps: 1, classWeights: classWeights as ClassWeights }))

  test('what is no weight', async () => {
    expect(await fit('balance')).toMatchObject({
      code: 'ERR_KAN_OPTION',
      message: expect.stringContaining("'balanced'"),
    })
    expect(await fit(3)).toBeInstanceOf(TypeError)
    expect(await fit([1, -1, 1])).toBeInstanceOf(RangeError)
    expect((await fit({ left: Number.NaN })).message).toContain("classWeights['left'] must be a number at least 0")
    expect(await fit([0, 0, 0])).toMatchObject({ code: 'ERR_KAN_DATA' })
  })

  test('weights for other classes', async () => {
    expect((await fit([1, 2])).message).toMatch(/2 numbers; there are 3 classes: 'left', 'middle', 'right'/)
    expect(await fit({ lefd: 2 })).toMatchObject({
      code: 'ERR_KAN_LABEL',
      message: expect.stringContaining("Did you mean 'left'?"),
    })
  })

  test('weights where there are no classes', async () => {
    const numbers = { x, y: x.map(() => 1) }
    expect((await fit('balanced', [2, 1], numbers)).message).toMatch(/this fit has 'mse'[\s\S]*weights/)
    const several = await rejected(
      new Kan({ layers: [2, 2] }).fit(
        { x, y: x.map((_, i) => [i % 2, 1]) },
        { steps: 1, loss: 'binaryCrossEntropy', classWeights: 'balanced' },
      ),
    )
    expect(several).toMatchObject({ code: 'ERR_KAN_LABEL', details: { option: 'classWeights', outputs: 2 } })
  })
})
