import { inspect } from 'node:util'
import { Dataset, discover, Formula, type SymbolicCandidate, SymbolicResult } from 'kanode'
import { describe, expect, test } from 'vitest'

/** Numbers that look random, the same in every run. */
function scattered(count: number, low: number, high: number, step: number): number[] {
  return Array.from({ length: count }, (_, at) => low + (high - low) * (((at + 1) * step) % 1))
}

const x1 = scattered(200, 1, 4, Math.SQRT2 - 1)
const x2 = scattered(200, 1, 3, (Math.sqrt(5) - 1) / 2)
const rows = x1.map((first, at) => [first, x2[at]!])

/** Data of a law of two variables. */
function lawful(law: (a: number, b: number) => number, featureNames = ['a', 'b']): Dataset {
  return new Dataset({ x: rows, y: rows.map(([a, b]) => law(a!, b!)), featureNames })
}

const kinetic = lawful((a, b) => 0.5 * a * b * b, ['mass', 'speed of body'])

describe('discover', () => {
  test('finds a law, names its variables and recognises its constants', async () => {
    const result = await discover(kinetic)
    const best = result.best()
    expect(best.formula.equals(Formula.parse('mass*`speed of body`^2/2', { variables: kinetic.featureNames }))).toBe(
      true,
    )
    expect(best.exact).toBe(true)
    expect(best.constants.map(({ snapped }) => snapped)).toEqual(['1/2'])
    expect(best.error).toBeLessThan(1e-12)
    expect(best.evaluate([2, 3])).toBe(9)
    expect(best.derivative('mass').evaluate([2, 3])).toBe(4.5)
    expect(best.latex).toContain('frac')
    expect(result.best('accuracy').error).toBeLessThanOrEqual(best.error)
    expect(result.effort?.ended).toBe('exact')
  })

  test('gives a front on which longer formulas are more accurate', async () => {
    const noisy = new Dataset({
      x: rows,
      y: rows.map(([a, b], at) => Math.exp(-0.7 * a!) * b! + 0.01 * Math.sin(1e4 * (at + 1) ** 2)),
    })
    const result = await discover(noisy, { evaluations: 1500 })
    const lengths = result.front.map(({ complexity }) => complexity)
    const errors = result.front.map(({ error }) => error)
    expect(lengths.length).toBeGreaterThan(2)
    expect(lengths).toEqual([...lengths].sort((a, b) => a - b))
    expect(Math.min(...result.front.map(({ bits }) => bits))).toBe(result.best().bits)
    expect(Math.min(...errors)).toBe(result.best('accuracy').error)
    expect(result.best().error).toBeLessThan(0.02)
    expect([...result]).toEqual(result.front)
  })

  test('gives the same for any number of threads', async () => {
    const data = lawful((a, b) => Math.sin(a * b) + a)
    const found = await Promise.all([1, 2, 3].map(threads => discover(data, { threads, evaluations: 800 })))
    const texts = found.map(result => JSON.stringify(result.front))
    expect(texts[1]).toBe(texts[0])
    expect(texts[2]).toBe(texts[0])
  })

  test('keeps to the functions and the length that are allowed', async () => {
    const data = lawful((a, b) => Math.sin(2 * a) + b)
    const result = await discover(data, { functions: ['exp'], maxComplexity: 12, evaluations: 500 })
    for (const { complexity, formula } of result) {
      expect(complexity).toBeLessThanOrEqual(12)
      expect(formula.toString()).not.toMatch(/sin|cos|tan/)
    }
  })

  test('judges by other rows', async () => {
    const held = await discover(kinetic, { validation: 0.25 })
    expect(held.best().validationError).toBeLessThan(1e-12)
    const other = await discover(kinetic, { validation: { x: [[1, 1]], y: [7] } })
    expect(other.best().validationError).toBeCloseTo(6.5)
  })

  test('saves itself as JSON and prints as a table', async () => {
    const result = await discover(kinetic)
    const again = SymbolicResult.fromJSON(JSON.parse(JSON.stringify(result)))
    expect(JSON.stringify(again)).toBe(JSON.stringify(result))
    expect(inspect(again)).toBe(inspect(result))
    expect(inspect(result)).toMatch(/→ .*mass/)
    expect(`${result}`).toBe(inspect(result))
    expect(inspect(result.best() satisfies SymbolicCandidate)).toContain('c1')
    const kept = JSON.parse(JSON.stringify(result)) as { front: Record<string, unknown>[] }
    const without = (name: string) => ({ ...kept, front: [{ ...kept.front[0], [name]: undefined }] })
    for (const [json, said] of [
      [{ front: [] }, /no candidate at the place `best`/],
      ['', /is not JSON/],
      ['no result', /is not JSON/],
      ...['r2', 'exact', 'validationError', 'constants'].map(name => [
        without(name),
        RegExp(`\\[0\\] whose \`${name}\``),
      ]),
      [{ ...kept, front: [{ ...kept.front[0], constants: [null] }] }, /`constants` is missing/],
    ] as const) {
      expect(() => SymbolicResult.fromJSON(json)).toThrow(
        expect.objectContaining({ code: 'ERR_KAN_FORMULA', message: expect.stringMatching(said as RegExp) as string }),
      )
    }
  })
})

describe('awkward data', () => {
  test('a constant target is its constant', async () => {
    const best = (await discover({ x: rows, y: rows.map(() => 3.5) })).best()
    expect(best.evaluate([1, 1])).toBeCloseTo(3.5, 12)
    expect(best.complexity).toBe(1)
  })

  test('a constant column is no trouble', async () => {
    const data = { x: x1.map(x => [x, 7]), y: x1.map(x => Math.sqrt(x)) }
    expect((await discover(data)).best().formula.toString()).toBe('sqrt(x1)')
  })

  test('too few rows, classes, several targets and what is no number are refused', async () => {
    const refused = (data: unknown) =>
      discover(data as Dataset).then(
        () => 'found',
        error => error.code,
      )
    expect(await refused({ x: [], y: [] })).toMatch(/ERR_KAN_(EMPTY|DATA)/)
    expect(await refused({ x: [[1]], y: [1] })).toBe('ERR_KAN_DATA')
    expect(await refused({ x: [[1], [2], [3]], y: ['a', 'b', 'a'] })).toBe('ERR_KAN_LABEL')
    expect(await refused({ x: rows, y: rows })).toBe('ERR_KAN_SHAPE')
    expect(await refused({ x: [[1], [Number.NaN], [3]], y: [1, 2, 3] })).toMatch(/ERR_KAN/)
    expect(await refused({ x: rows })).toMatch(/ERR_KAN/)
    expect(await refused(null)).toBe('ERR_KAN_DATA')
  })

  test('three hundred columns are searched for the few that matter', async () => {
    const x = Array.from({ length: 300 }, (_, row) =>
      Array.from(
        { length: 300 },
        (_, column) => 1 + ((Math.abs(Math.sin(1 + row * 12.9898 + column * 78.233)) * 43758.5) % 1),
      ),
    )
    const result = await discover({ x, y: x.map(row => 2 * row[17]! * row[203]!) }, { evaluations: 3000 })
    expect(result.best().formula.toString()).toBe('2*x18*x204')
  })

  test('names that are no identifiers stay as they are, and programs get others', async () => {
    const featureNames = ['engine size (l)', 'class', '2nd', 'pi']
    const x = Array.from({ length: 60 }, (_, i) => [1, 3, 5, 7].map(k => 1.5 + Math.sin(k * (i + 1))))
    const y = x.map(([size, kind, second, other]) => 2 * size! * kind! + second! - other! ** 2)
    const { formula } = (await discover({ x, y, featureNames })).best()
    const law = Formula.parse('2*`engine size (l)`*class + `2nd` - pi^2', { variables: featureNames })
    expect(formula.equals(law)).toBe(true)
    expect(Formula.parse(formula.toString(), { variables: featureNames }).equals(law)).toBe(true)
    const program = new Function(`${formula.print('javascript')}; return formula`)() as (...row: number[]) => number
    for (const [row, value] of y.entries()) expect(program(...x[row]!)).toBeCloseTo(value, 10)
  })

  test('a formula led through few rows is not believed', async () => {
    const square = await discover({ x: [[1], [2], [3]], y: [1, 4, 9] })
    expect(square.best().formula.toString()).toBe('x1^2')
    const random = Array.from({ length: 10 }, (_, i) => [i, i + 10, i + 20].map(k => (1e4 * Math.sin(k + 1)) % 1))
    const nothing = await discover({ x: random.map(row => row.slice(0, 2)), y: random.map(row => row[2]!) })
    expect(nothing.best().constants.length).toBeLessThan(4)
    expect(nothing.front.some(({ exact }) => exact)).toBe(false)
  })

  test('options that make no sense are refused', async () => {
    for (const options of [
      { timeLimit: 0 },
      { evaluations: 0.5 },
      { functions: ['sine'] },
      { families: [] },
      { budget: 3 },
    ]) {
      await expect(discover(kinetic, options as object)).rejects.toThrow(
        expect.objectContaining({ code: 'ERR_KAN_OPTION' }),
      )
    }
  })
})

describe('a running search', () => {
  const hard = lawful((a, b) => Math.sin(Math.exp(a) + b ** 3) / (1 + Math.cos(a * b) ** 2))

  test('tells of its progress and ends at its time limit with the best so far', async () => {
    const formulas: string[] = []
    const result = await discover(hard, { timeLimit: 0.2, onProgress: ({ formula }) => formulas.push(formula) })
    expect(result.effort?.ended).toBe('time')
    expect(result.front.length).toBeGreaterThan(0)
    expect(formulas.length).toBeGreaterThan(0)
  })

  test('is stopped by its signal, with the best so far', async () => {
    const controller = new AbortController()
    const running = discover(hard, { signal: controller.signal })
    setTimeout(() => controller.abort(), 50)
    const error = await running.catch(error => error)
    expect(error.code).toBe('ABORT_ERR')
    expect(error.details.result).toBeInstanceOf(SymbolicResult)
    await expect(discover(hard, { signal: controller.signal })).rejects.toThrow(
      expect.objectContaining({ code: 'ABORT_ERR' }),
    )
  })

  test('is stopped by a callback that throws', async () => {
    const onProgress = () => {
      throw new Error('enough')
    }
    await expect(discover(hard, { onProgress })).rejects.toThrow('enough')
  })
})
