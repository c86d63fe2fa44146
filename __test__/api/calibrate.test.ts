import { inspect } from 'node:util'
import { type ClassificationMetrics, Kan } from 'kanode'
import { describe, expect, test } from 'vitest'
import { calibration, calibrationError } from '../../src/calibration.js'
import { type ClassPredictions, classMetrics, logLossAt } from '../../src/class-metrics.js'
import { toProbabilities } from '../../src/classify.js'
import { readSchema, writeSchema } from '../../src/description.js'
import { mixtureLogits } from '../../src/ensemble-classes.js'
import { clusters, rejected, thrown } from './helpers.js'

/** Predictions for checked data, as the package makes them. */
function predictions(
  logits: readonly number[],
  outputs: number,
  y: readonly number[],
  loss: ClassPredictions['loss'] = 'crossEntropy',
  weights: readonly number[] | null = null,
): ClassPredictions {
  const rows = logits.length / outputs
  const parts = {
    rows,
    features: 1,
    targets: y.length / rows,
    x: new Float64Array(rows),
    y: Float64Array.from(y),
    weights: weights === null ? null : Float64Array.from(weights),
    featureNames: ['x'],
    targetNames: ['y'],
    named: false,
    encoding: null,
    classes: null,
  }
  return { logits: Float64Array.from(logits), outputs, loss, parts }
}

const unnamed = { classes: null, outputs: ['first', 'second'] }

/** Points of two overlapping kinds, one of the two told by chance in the middle. */
function overlapping(rows: number, seed: number): { x: number[][]; y: string[] } {
  const x = Array.from({ length: rows }, (_, i) => [Math.sin(i * 12.9898 + seed) * 2])
  return { x, y: x.map(([a], i) => (a! + 1.5 * Math.sin(i * 78.233 + seed) > 0 ? 'yes' : 'no')) }
}

describe('evaluate', () => {
  test('counts which classes are taken for which, with weights', () => {
    const y = [0, 0, 1, 2]
    const logits = [3, 0, 0, 0, 3, 0, 0, 3, 0, 0, 3, 0]
    const { accuracy, confusion, perClass, outputs } = classMetrics(predictions(logits, 3, y), unnamed, 1)
    expect(accuracy).toBe(0.5)
    expect(confusion).toEqual({
      classes: ['0', '1', '2'],
      matrix: [
        [1, 1, 0],
        [0, 1, 0],
        [0, 1, 0],
      ],
    })
    expect(perClass[0]).toEqual({ name: '0', precision: 1, recall: 0.5, f1: 2 / 3, support: 2 })
    expect(perClass[1]).toEqual({ name: '1', precision: 1 / 3, recall: 1, f1: 0.5, support: 1 })
    expect(perClass[2]).toEqual({ name: '2', precision: Number.NaN, recall: 0, f1: 0, support: 1 })
    expect(outputs).toBeUndefined()
    const weighted = classMetrics(predictions(logits, 3, y, 'crossEntropy', [4, 0, 2, 2]), unnamed, 1)
    expect(weighted.confusion.matrix).toEqual([
      [4, 0, 0],
      [0, 2, 0],
      [0, 2, 0],
    ])
    expect(weighted.accuracy).toBe(0.75)
  })

  test('the log loss and its slope are those of their definitions', () => {
    const logits = [0.3, -1, 2, 1.5, 0.2, -0.4]
    for (const [loss, y] of [
      ['crossEntropy', [2, 0]],
      ['crossEntropy', [0.2, 0.3, 0.5, 0.6, 0.4, 0]],
      ['binaryCrossEntropy', [0, 1, 0.25, 1, 1, 0]],
    ] as const) {
      const given = predictions(logits, 3, y, loss, [1, 3])
      const p = toProbabilities(given.logits, 3, loss, 1 / 0.7)
      const row = (r: number) =>
        [0, 1, 2].reduce((sum, c) => {
          const q = p[3 * r + c]!
          const target = y.length === 2 ? Number(y[r] === c) : y[3 * r + c]!
          const both =
            loss === 'binaryCrossEntropy'
              ? (target * Math.log(q) + (1 - target) * Math.log(1 - q)) / 3
              : target * Math.log(q)
          return sum - both
        }, 0)
      const [value, slope] = logLossAt(given, 0.7)
      expect(value).toBeCloseTo((row(0) + 3 * row(1)) / 4, 13)
      // A central difference, whose error is about h² = 1e-8.
      const step = 1e-4
      expect(slope).toBeCloseTo((logLossAt(given, 0.7 + step)[0] - logLossAt(given, 0.7 - step)[0]) / (2 * step), 7)
    }
  })

  test('several yes-or-no outputs are told one by one', async () => {
    const { x } = clusters(60)
    const y = x.map(([a, b]) => [Number(a! > 0), Number(b! > 0)])
    const model = new Kan({ layers: [2, 2] })
    await model.fit({ x, y }, { steps: 20, loss: 'binaryCrossEntropy' })
    const found = await model.evaluate<ClassificationMetrics>({ x, y })
    expect(found.perClass.map(({ name }) => name)).toEqual(['y1', 'y2'])
    expect(found.outputs).toHaveLength(2)
    const cells = found.outputs!.flatMap(({ matrix }) => matrix.flat())
    expect(cells.reduce((a, b) => a + b)).toBe(120)
    expect(found.confusion.matrix.flat().reduce((a, b) => a + b)).toBe(120)
    const right = found.confusion.matrix[0]![0]! + found.confusion.matrix[1]![1]!
    expect(found.accuracy).toBeCloseTo(right / 120, 15)
    expect(inspect(found)).toContain('output')
  })

  test('what console.log shows has classes and numbers', async () => {
    const model = new Kan({ layers: [2, 3] })
    await model.fit(clusters(60), { steps: 20 })
    const text = inspect(await model.evaluate<ClassificationMetrics>(clusters(60)))
    for (const part of ['accuracy', 'log loss', 'precision', 'recall', 'F1', 'actual \\ predicted', 'middle']) {
      expect(text).toContain(part)
    }
  })
})

describe('the temperature', () => {
  test('is found where it is known', () => {
    // Logits ±1 of which 3 of 4 are right: the best probability is 3/4, whose logit is log 3.
    const found = calibration(predictions([1, 1, 1, 1], 1, [1, 1, 1, 0], 'binaryCrossEntropy'))
    expect(found.temperature).toBeCloseTo(1 / Math.log(3), 12)
    expect(found.expectedCalibrationErrorAfter).toBeCloseTo(0, 12)
    expect(found.expectedCalibrationErrorBefore).toBeCloseTo(Math.abs(0.75 - 1 / (1 + Math.exp(-1))), 12)
  })

  test('stays between its bounds when all or nothing is right', () => {
    expect(calibration(predictions([3, -3], 1, [1, 0], 'binaryCrossEntropy')).temperature).toBeCloseTo(0.01, 12)
    expect(calibration(predictions([3, -3], 1, [0, 1], 'binaryCrossEntropy')).temperature).toBeCloseTo(100, 9)
    expect(calibration(predictions([0, 0], 1, [0, 1], 'binaryCrossEntropy')).temperature).toBe(1)
  })

  test('the calibration error is the mean gap of the bins', () => {
    const given = predictions([2, 0, 0, 1], 2, [0, 0])
    const sure = [1 / (1 + Math.exp(-2)), 1 / (1 + Math.exp(-1))]
    expect(calibrationError(given, 1)).toBeCloseTo((1 - sure[0]! + sure[1]!) / 2, 14)
  })
})

describe('calibrate', () => {
  async function overconfident() {
    const model = new Kan({ layers: [1, 4, 1], grid: 20 })
    await model.fit(overlapping(60, 0), { steps: 60, regularization: 'none' })
    return model
  }

  test('makes an overconfident model honest, and lasts in a file', async () => {
    const model = await overconfident()
    const judge = overlapping(400, 5)
    const [before, logits, classes] = [
      await model.probabilities(judge.x),
      await model.predict(judge.x),
      await model.classify(judge.x),
    ]
    expect(model.temperature).toBeNull()
    const found = await model.calibrate(judge)
    expect(found.temperature).toBeGreaterThan(1.2)
    expect(found.logLossAfter).toBeLessThan(found.logLossBefore)
    expect(found.expectedCalibrationErrorAfter).toBeLessThan(found.expectedCalibrationErrorBefore)
    expect(model.temperature).toBe(found.temperature)
    expect(await model.predict(judge.x)).toEqual(logits)
    expect(await model.classify(judge.x)).toEqual(classes)
    const after = await model.probabilities(judge.x)
    expect(after).not.toEqual(before)
    expect((await model.evaluate<ClassificationMetrics>(judge)).logLoss).toBeCloseTo(found.logLossAfter, 14)
    const again = Kan.fromBytes(model.toBytes())
    expect([again.temperature, again.classes]).toEqual([found.temperature, ['no', 'yes']])
    expect(await again.probabilities(judge.x)).toEqual(after)
    expect(inspect(again)).toContain('calibrated')
    expect(await model.calibrate(judge)).toEqual(found)
  })

  test('keeps what a fit needs to be resumed', async () => {
    const data = overlapping(60, 0)
    const fit = { optimizer: 'adam', steps: 5 } as const
    const [model, other] = [new Kan({ layers: [1, 1] }), new Kan({ layers: [1, 1] })]
    for (const one of [model, other]) await one.fit(data, fit)
    await model.calibrate(overlapping(200, 5))
    expect([model.resumable, model.loss]).toEqual([true, 'binaryCrossEntropy'])
    for (const one of [model, other]) await one.fit(data, { ...fit, resume: true })
    expect(model.parameters).toEqual(other.parameters)
  })

  test('is forgotten with the parameters that it was made for', async () => {
    const model = new Kan({ layers: [1, 1] })
    await model.fit(overlapping(60, 0), { steps: 3 })
    await model.calibrate(overlapping(200, 5))
    await model.fit(overlapping(60, 1), { steps: 3 })
    expect([model.temperature, model.classes]).toEqual([null, ['no', 'yes']])
    await model.calibrate(overlapping(200, 5))
    model.parameters = model.parameters.map(p => p / 2)
    expect([model.temperature, model.classes]).toEqual([null, ['no', 'yes']])
  })

  test('is for classes only, and not during a fit', async () => {
    const { x, y } = overlapping(40, 0)
    const model = new Kan({ layers: [1, 1] })
    expect((await rejected(model.calibrate({ x, y }))).code).toBe('ERR_KAN_LABEL')
    const fit = model.fit({ x, y }, { steps: 3 })
    expect((await rejected(model.calibrate({ x, y }))).code).toBe('ERR_KAN_BUSY')
    await fit
    // Either the temperature comes first and the fit drops it, or the parameters have changed and there is none.
    const late = model.calibrate({ x, y }).catch(error => expect(error.code).toBe('ERR_KAN_BUSY'))
    await Promise.all([late, model.fit({ x, y }, { steps: 3 })])
    expect(model.temperature).toBeNull()
  })

  test('works for several classes', async () => {
    const model = new Kan({ layers: [2, 3] })
    await model.fit(clusters(60), { steps: 5 })
    const { logLossBefore, logLossAfter } = await model.calibrate(clusters(90))
    expect(logLossAfter).toBeLessThanOrEqual(logLossBefore)
  })
})

test('mixture logits have the mean of the probabilities', () => {
  const members = [Float64Array.of(1, -2, 0.5, 3, 700, -700), Float64Array.of(-1, 2, 0, 0, 1, 800)]
  for (const loss of ['crossEntropy', 'binaryCrossEntropy'] as const) {
    const [a, b] = members.map(logits => toProbabilities(logits, 3, loss))
    const mixed = toProbabilities(mixtureLogits(members, 3, loss), 3, loss)
    mixed.forEach((p, i) => {
      expect(p).toBeCloseTo((a![i]! + b![i]!) / 2, 14)
    })
  }
})

test('a temperature in a file is a positive number or damage', () => {
  const text = (temperature: unknown) => JSON.stringify({ version: 1, encoding: null, classes: null, temperature })
  expect(readSchema(writeSchema({ encoding: null, classes: null, temperature: 1.5 }), 2).temperature).toBe(1.5)
  for (const wrong of [0, -1, '2', null]) {
    expect(thrown(() => readSchema(text(wrong), 2))).toMatchObject({
      code: 'ERR_KAN_FILE',
      details: { kind: 'corrupt' },
    })
  }
})
