import { type EquationTerm, Kan } from 'kanode'
import { describe, expect, test } from 'vitest'
import { coordinate, type Expression, Field, numbersAt, tapeOf } from '../../src/equations/expression.js'
import { equationPlan } from '../../src/equations/options.js'
import { readTerms } from '../../src/equations/term.js'
import { rejected, thrown } from './helpers.js'

const inputs = { count: 2, names: ['x', 't'] }
const plane = { inputs, outputs: 2 }
const columns = { inputs: 2, outputs: 1, inputNames: null, outputNames: null, encoding: null, classes: null }

/** The operations of a residual of two outputs. */
const opsOf = (residual: (u: Field, v: Field) => Expression) =>
  tapeOf(residual(new Field(0, inputs), new Field(1, inputs))).ops

describe('residuals', () => {
  test('become operations of which each takes its arguments from earlier ones', () => {
    expect(
      opsOf((u, v) =>
        u
          .d('t')
          .plus(v.times(u.d('x', 0)))
          .pow(2),
      ),
    ).toEqual([
      { op: 'derivative', output: 0, by: [0, 0] },
      { op: 'output', output: 1 },
      { op: 'multiply', a: 1, b: 0 },
      { op: 'derivative', output: 0, by: [1] },
      { op: 'add', a: 3, b: 2 },
      { op: 'power', a: 4, exponent: 2 },
    ])
  })

  test('do what is the same once', () => {
    const { ops } = tapeOf(coordinate(0).sin().plus(coordinate(0).sin()))
    expect(ops).toEqual([
      { op: 'coordinate', input: 0 },
      { op: 'sin', a: 0 },
      { op: 'add', a: 1, b: 1 },
    ])
  })

  test('have every function', () => {
    const names = ['negate', 'sin', 'cos', 'exp', 'log', 'tanh', 'sqrt'] as const
    for (const name of names) expect(opsOf(u => u[name]()).at(-1)).toEqual({ op: name, a: 0 })
    expect(opsOf(u => u.minus(1)).at(-1)!.op).toBe('subtract')
    expect(opsOf(u => u.over(2)).at(-1)!.op).toBe('divide')
    expect(opsOf(u => u.square()).at(-1)).toEqual({ op: 'power', a: 0, exponent: 2 })
  })

  test('a derivative of a derivative is one of second order, and there is no third', () => {
    expect(opsOf(u => u.d('x').d('t'))).toEqual(opsOf(u => u.d(0, 1)))
    expect(thrown(() => opsOf(u => u.d('x', 'x').d('t'))).hint).toMatch(/system/)
    expect(() => opsOf(u => u.d())).toThrow(/order 0/)
  })

  test('a sum may be long', () => {
    const sum = Array.from({ length: 20_000 }, (_, i) => i).reduce<Expression>((sum, i) => sum.plus(i), coordinate(0))
    expect(tapeOf(sum).ops.length).toBeGreaterThan(20_000)
  })

  test("JavaScript's operators are refused", () => {
    const u = coordinate(0) as unknown as number
    expect(() => u * 2).toThrow(/no operators/)
    expect(thrown(() => `${u}`).hint).toMatch(/plus/)
  })

  test('inputs that do not exist are refused, with advice', () => {
    expect(() => opsOf(u => u.d(2))).toThrow(RangeError)
    expect(() => opsOf(u => u.d('y'))).toThrow(/no input 'y'/)
    const nameless = new Field(0, { count: 2, names: null })
    expect(thrown(() => nameless.d('x')).hint).toMatch(/inputs: \['x', 't'\]/)
  })
})

describe('terms', () => {
  const points = [
    [0, 1],
    [2, 3],
    [4, 5],
  ]

  test('numbers for the points and functions of the coordinates become columns', () => {
    const { terms, names } = readTerms(
      [
        {
          name: 'wave',
          points,
          data: { f: [7, 8, 9], g: (x: number, t: number) => x * t },
          residual: ({ u, outputs, x, data }: never) => {
            const { f, g } = data as Record<string, Expression>
            const [a] = x as Expression[]
            return (u as Field)
              .minus(f!)
              .plus(g!)
              .plus((outputs as Field[])[1]!.times(a!))
              .minus((x: number) => x - 1)
          },
          weight: 0.5,
          weights: [1, 2, 3],
        },
      ],
      plane,
    )
    expect(names).toEqual(['wave'])
    expect(terms[0]).toMatchObject({ rows: 3, weight: 0.5, weights: Float64Array.of(1, 2, 3) })
    expect(terms[0]!.x).toEqual(Float64Array.of(0, 1, 2, 3, 4, 5))
    const used = (JSON.parse(terms[0]!.residual) as { op: string; column: number }[]).filter(({ op }) => op === 'data')
    const values = used.map(({ column }) => [0, 1, 2].map(row => terms[0]!.data[row * 3 + column]!))
    expect(values).toContainEqual([7, 8, 9])
    expect(values).toContainEqual([0, 6, 20])
    expect(values).toContainEqual([-1, 1, 3])
  })

  const residual = ({ u }: { u: Field }) => u
  const refused = (term: object) => thrown(() => readTerms([term], plane))

  test('what is wrong with them is said, and where', () => {
    expect(thrown(() => readTerms({ points, residual }, plane)).message).toMatch(/must be a list of terms/)
    expect(refused({ points, residual, wieght: 1 }).hint).toMatch(/'weight'/)
    expect(refused({ points: [[1]], residual }).message).toMatch(/terms\[0\].points\[0\] has 1 column/)
    expect(refused({ points: [], residual }).code).toBe('ERR_KAN_EMPTY')
    expect(refused({ points }).message).toMatch(/terms\[0\].residual must be a function/)
    expect(refused({ points, residual: () => 1 }).message).toMatch(/must return an expression/)
    expect(refused({ points, residual, weight: -1 }).message).toMatch(/terms\[0\].weight/)
    expect(refused({ points, residual, weights: [1] }).code).toBe('ERR_KAN_SHAPE')
    expect(refused({ points, residual, data: { f: 3 } }).message).toMatch(/terms\[0\].data.f must be/)
    const short = {
      points,
      data: { f: [1] },
      residual: ({ u, data }: never) => (u as Field).plus((data as { f: Expression }).f),
    }
    expect(refused(short).message).toMatch(/terms\[0\].data.f has 1 number; there are 3 points/)
    const infinite = { points, residual: ({ u }: { u: Field }) => u.plus(x => 1 / x) }
    expect(refused(infinite).message).toMatch(/is Infinity at point 0/)
  })

  test('columns are rows of numbers in the order of the columns', () => {
    const block = numbersAt(
      [
        { name: 'a', numbers: [1, 2] },
        { name: 'b', numbers: x => 10 * x },
      ],
      Float64Array.of(3, 4),
      2,
    )
    expect(block).toEqual(Float64Array.of(1, 30, 2, 40))
  })
})

describe('options', () => {
  const settings = (options: object) => JSON.parse(JSON.stringify(equationPlan(options, columns).settings)) as unknown

  test('become what native code reads', () => {
    expect(settings({})).toEqual({})
    expect(settings({ optimizer: 'lm', steps: 9, grid: [5, 10], gridUpdate: { margin: 0.1 } })).toEqual({
      optimizer: { name: 'lm', tolerance: 1e-4 },
      steps: 9,
      grid: [5, 10],
      gridUpdate: { margin: 0.1 },
    })
    expect(settings({ optimizer: { name: 'lm', tolerance: 0 } })).toEqual({ optimizer: { name: 'lm', tolerance: 0 } })
    const none = settings({ gridUpdate: 'none', regularization: 'none' })
    expect(none).toEqual({ gridUpdate: { enabled: false }, regularization: { lambda: 0, ridge: 0 } })
  })

  test('out of range are refused by name', () => {
    for (const [options, message] of [
      [{ step: 3 }, /Unknown option 'step'/],
      [{ steps: 0 }, /steps/],
      [{ grid: 5 }, /grid must be a list/],
      [{ optimizer: 'sgd' }, /'lm', 'lbfgs', 'adam'/],
      [{ inputs: ['x'] }, /inputs must be 2 names/],
      [{ gridUpdate: { margin: 2 } }, /gridUpdate.margin/],
      [{ regularization: { order: 0 } }, /regularization.order/],
      [{ signal: 1 }, /AbortSignal/],
    ] as const) {
      expect(() => settings(options)).toThrow(message)
    }
  })
})

const science = { base: 'zero', standardize: false, degree: 5 } as const
const line = Array.from({ length: 41 }, (_, i) => [i / 20 - 1])

/** u'' = −π² sin πx with u = 0 at both ends: u = sin πx. */
const string: EquationTerm[] = [
  {
    name: 'inside',
    points: line,
    weight: 0.01,
    residual: ({ u }) => u.d(0, 0).plus(x => Math.PI ** 2 * Math.sin(Math.PI * x)),
  },
  { name: 'ends', points: [[-1], [1]], residual: ({ u }) => u },
]

describe('fitEquations', () => {
  test('solves an equation, tells of every step and of every term', async () => {
    const model = new Kan({ ...science, layers: [1, 1], grid: 10 })
    const steps: number[] = []
    const history = await model.fitEquations(string, { inputs: ['x'], onStep: ({ step }) => steps.push(step) })
    expect(history.terms.map(({ name, points }) => [name, points])).toEqual([
      ['inside', 41],
      ['ends', 2],
    ])
    expect(steps.at(-1)).toBe(history.steps)
    expect(history.records).toHaveLength(history.steps)
    expect(`${history}`).toContain('inside')
    const found = model.predictSync(line) as number[][]
    for (const [i, [u]] of found.entries()) expect(u).toBeCloseTo(Math.sin(Math.PI * line[i]![0]!), 5)
    expect(model.inputNames).toEqual(['x'])
    expect(model.fitted).toBe(true)
  })

  test('errors leave the model as it was', async () => {
    const model = new Kan({ ...science, layers: [1, 2, 1], degree: 2 })
    const before = model.parameters
    const error = await rejected(model.fitEquations(string))
    expect(error.code).toBe('ERR_KAN_OPTION')
    expect(error.message).toMatch(/Term 'inside': .*degree 3 or more/)
    const thrown = new Error('mine')
    const failing = {
      ...string[1]!,
      residual: () => {
        throw thrown
      },
    }
    await expect(model.fitEquations([failing])).rejects.toBe(thrown)
    expect(model.parameters).toEqual(before)
    expect(model.fitted).toBe(false)
  })

  test('a signal stops it, and the model is busy until then', async () => {
    const model = new Kan({ ...science, layers: [1, 5, 1] })
    const controller = new AbortController()
    const running = model.fitEquations(string, {
      optimizer: 'adam',
      steps: 1e9,
      signal: controller.signal,
      onStep: () => controller.abort(),
    })
    expect(() => model.dispose()).toThrow(/busy/)
    expect(await rejected(running)).toMatchObject({ name: 'AbortError' })
    expect(model.fitted).toBe(true)
  })
})

describe('derivatives', () => {
  test('are those of differences, with shapes', async () => {
    const model = new Kan({ layers: [2, 3, 2], degree: 5, base: 'zero', standardize: false, init: 'power' })
    const at = [
      [0.1, -0.2],
      [0.4, 0.3],
    ]
    const { value, first, second } = await model.derivatives(at, { order: 2 })
    expect([value.shape, first.shape, second!.shape]).toEqual([
      [2, 2],
      [2, 2, 2],
      [2, 2, 2, 2],
    ])
    const step = 1e-4
    const moved = (by: number) => model.predictSync(at.map(([a, b]) => [a! + by, b!])) as number[][]
    const [up, down] = [moved(step), moved(-step)]
    for (let row = 0; row < 2; row++) {
      for (let output = 0; output < 2; output++) {
        const expected = (up[row]![output]! - down[row]![output]!) / (2 * step)
        expect(first.data[(row * 2 + output) * 2]).toBeCloseTo(expected, 4)
      }
    }
    expect((await model.derivatives(at)).second).toBeUndefined()
    expect((await model.derivatives(at[0]!)).first.shape).toEqual([1, 2, 2])
  })

  test('of second order need cubic splines', async () => {
    const model = new Kan({ layers: [1, 1], degree: 2 })
    expect((await rejected(model.derivatives([[0]], { order: 2 }))).code).toBe('ERR_KAN_OPTION')
    await expect(model.derivatives([[0]], { order: 3 as never })).rejects.toThrow(/order must be 1 or 2/)
  })
})
