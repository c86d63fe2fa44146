/** Formulas: reading, errors that point at the place, evaluation on rows of every kind, algebra, and printing. */
import { inspect } from 'node:util'
import fc from 'fast-check'
import { Dataset, Formula, type FormulaFormat, KanError } from 'kanode'
import { describe, expect, test } from 'vitest'
import { thrown } from './helpers.js'

const hello = Formula.parse('exp(sin(pi*x) + y^2)')
const value = (x: number, y: number) => Math.exp(Math.sin(Math.PI * x) + y ** 2)

describe('reading', () => {
  test('variables are in natural order, or in the order given', () => {
    expect(Formula.parse('x10 + x2 + a').variables).toEqual(['a', 'x2', 'x10'])
    expect(Formula.parse('x + y', { variables: ['y', 'x', 'z'] }).variables).toEqual(['y', 'x', 'z'])
    expect(Formula.parse('`fuel economy`^2').variables).toEqual(['fuel economy'])
  })

  test('an error says what was expected, points at the place and says how to mend it', () => {
    const error = thrown(() => Formula.parse('2 + * x'))
    expect(error).toMatchObject({ code: 'ERR_KAN_FORMULA', details: { column: 5, found: '*', text: '2 + * x' } })
    expect(error.message.split('\n').slice(0, 3)).toEqual([
      "Expected a number, a name or '(' at column 5: found '*'",
      '  2 + * x',
      '      ^',
    ])
    const pointed = (text: string) => thrown(() => Formula.parse(text)).message
    expect(pointed('2x')).toMatch(/^Expected an operator.* at column 2: found 'x'\n {2}2x\n {3}\^\nHint: .*2\*x/)
    expect(pointed('sine(x)')).toMatch(/Did you mean 'sin'\?/)
    expect(pointed('(x + 1')).toMatch(/at column 7: the formula ends there/)
    expect(pointed(`${'x + '.repeat(50)}$`)).toMatch(/\n {2}….*x \+ \$\n {2} {31}\^/)
    expect(pointed('x + 1/0')).toMatch(/no|none/)
    expect(thrown(() => Formula.parse('weigth', { variables: ['weight'] })).message).toMatch(/Did you mean 'weight'\?/)
  })

  test('what is no text is refused, and so are unknown options', () => {
    expect(thrown(() => Formula.parse(3 as never)).message).toBe('The formula must be a text; found 3')
    expect(thrown(() => Formula.parse('x', { variable: 'x' } as never)).message).toMatch(/Did you mean 'variables'/)
    expect(thrown(() => Formula.parse('x', { variables: ['x', 'x'] })).code).toBe('ERR_KAN_OPTION')
    expect(thrown(() => new (Formula as unknown as new (x: unknown) => Formula)('x'))).toBeInstanceOf(KanError)
  })
})

describe('evaluation', () => {
  test('takes rows of every kind, and a single row', () => {
    const rows = [
      [0.5, 0],
      [0.25, -1],
    ]
    const expected = rows.map(([x, y]) => value(x!, y!))
    const near = (found: ArrayLike<number>) => {
      expect(Array.from(found)).toHaveLength(2)
      Array.from(found).forEach((one, row) => {
        expect(Math.abs(one / expected[row]! - 1)).toBeLessThan(1e-14)
      })
    }
    near(hello.evaluate(rows))
    near(hello.evaluate({ data: Float64Array.from(rows.flat()), shape: [2, 2] }))
    near(hello.evaluate(rows.map(([x, y]) => ({ y: y!, unused: 'text', x: x! }))))
    near(hello.evaluate(new Dataset({ x: rows, featureNames: ['x', 'y'] })))
    near(hello.evaluate(new Dataset({ x: rows.map(([x, y]) => [y!, 9, x!]), featureNames: ['y', 'w', 'x'] })))
    near(hello.evaluate(new Dataset({ x: rows })))
    expect(hello.evaluate([0.5, 0])).toBe(Math.E)
    expect(hello.evaluate(Float64Array.of(0.5, 0))).toBe(Math.E)
    expect(hello.evaluate({ x: 0.5, y: 0 })).toBe(Math.E)
  })

  test('refuses rows that do not fit, and names the row without a value', () => {
    expect(thrown(() => hello.evaluate([1])).code).toBe('ERR_KAN_SHAPE')
    expect(thrown(() => hello.evaluate([[1, Number.NaN]])).message).toMatch(/NaN/)
    const other = new Dataset({ x: [[1, 2]], featureNames: ['x', 'z'] })
    expect(thrown(() => hello.evaluate(other)).message).toMatch(/has no feature 'y'/)
    const log = Formula.parse('log(x)')
    const error = thrown(() => log.evaluate([[1], [-1]]))
    expect(error).toMatchObject({ code: 'ERR_KAN_NUMBER', details: { row: 1 } })
    expect(error.message).toMatch(/^The formula is NaN at row 1: x = -1\nHint: It has a value where x > 0\./)
    expect([...log.evaluate([[1], [-1]], { nonFinite: 'keep' })]).toEqual([0, Number.NaN])
  })

  test('a compiled function has the same values', () => {
    const call = hello.compile()
    fc.assert(
      fc.property(fc.double({ min: -2, max: 2, noNaN: true }), fc.double({ min: -2, max: 2, noNaN: true }), (x, y) => {
        const [found, expected] = [call(x, y), hello.evaluate([x, y])]
        expect(Math.abs(found - expected)).toBeLessThanOrEqual(1e-12 * expected)
      }),
    )
    expect(Formula.parse('1/3 + erf(x) + j0(x)').compile()(0)).toBeCloseTo(4 / 3, 14)
    expect(Formula.parse('log(x)').compile()(-1)).toBeNaN()
    expect(Formula.parse('`if`*`a b`/2').compile()(3, 4)).toBe(6)
  })
})

test('Bessel functions of very large numbers have values in compiled functions, too', () => {
  const formula = Formula.parse('j0(x) - 2*j1(x)')
  const compiled = formula.compile()
  for (const x of [-3e7, 1.5e6, 1e8, 1e12]) expect(compiled(x)).toBeCloseTo(formula.evaluate({ x }), 14)
  expect(compiled(Number.POSITIVE_INFINITY)).toBe(0)
  expect(compiled(Number.NaN)).toBeNaN()
})

describe('algebra', () => {
  test('derivatives and short forms', () => {
    expect(String(hello.derivative('y'))).toBe('2*y*exp(y^2 + sin(pi*x))')
    expect(String(Formula.parse('sin(x)^2 + cos(x)^2').simplify())).toBe('1')
    expect(Formula.parse('x + x').equals(Formula.parse('2*x'))).toBe(true)
    expect(Formula.parse('x').equals(Formula.parse('x', { variables: ['x', 'y'] }))).toBe(false)
    const error = thrown(() => hello.derivative('xx'))
    expect(error).toMatchObject({ code: 'ERR_KAN_FORMULA', details: { found: 'xx', known: ['x', 'y'] } })
  })

  test('the domain and bounds', () => {
    expect(hello.domain).toEqual([])
    expect(new Set(Formula.parse('log(x)/y').domain)).toEqual(new Set(['x > 0', 'y ≠ 0']))
    const { low, high, defined } = Formula.parse('x^2 + y').bounds({ x: [-1, 2], y: [0, 1] })
    expect([low, high]).toEqual([expect.closeTo(0, 12), expect.closeTo(5, 12)])
    expect(defined).toBe(true)
    expect(Formula.parse('1/x').bounds({})).toMatchObject({ high: Number.POSITIVE_INFINITY, defined: false })
    expect(thrown(() => hello.bounds({ z: [0, 1] })).code).toBe('ERR_KAN_FORMULA')
    expect(thrown(() => hello.bounds({ x: [1, 0] })).message).toMatch(/a < b/)
  })
})

describe('printing', () => {
  test('text reads back, and JSON too', () => {
    const formula = Formula.parse('0.1*x/3 - `a b`^(-1/2)', { variables: ['x', 'a b'] })
    expect(Formula.parse(String(formula), { variables: formula.variables }).equals(formula)).toBe(true)
    expect(Formula.fromJSON(JSON.parse(JSON.stringify(formula))).equals(formula)).toBe(true)
    expect(Formula.fromJSON(formula.print('json')).equals(formula)).toBe(true)
    expect(thrown(() => Formula.fromJSON({ nodes: [] })).message).toMatch(/^The JSON is no formula: expected a list/)
  })

  test('every format, with as many digits as wanted', () => {
    const formula = Formula.parse('0.123456789*sqrt(x)')
    const short = (format: FormulaFormat) => formula.print(format, { digits: 3 })
    expect(short('text')).toBe('0.123*sqrt(x)')
    expect(short('latex')).toBe('0.123 \\cdot \\sqrt{x}')
    expect(short('mathml')).toMatch(/^<math .*<msqrt><mi>x<\/mi><\/msqrt>.*<\/math>$/)
    expect(short('javascript')).toMatch(/return 0\.123\*Math\.sqrt\(x\)/)
    expect(short('python')).toMatch(/return 0\.123\*np\.sqrt\(x\)/)
    expect(short('sympy')).toMatch(/0\.123\*sp\.sqrt\(x\)/)
    expect(short('c')).toMatch(/return 0\.123\*sqrt\(x\);/)
    expect(short('rust')).toMatch(/0\.123\*f64::sqrt\(x\)/)
    expect(formula.print()).toBe('0.123456789*sqrt(x)')
    expect(thrown(() => formula.print('tex' as never)).message).toMatch(/format must be one of/)
    expect(thrown(() => formula.print('text', { digits: 0 })).message).toMatch(/digits/)
  })

  test('console.log shows the formula and where it has a value', () => {
    expect(inspect(Formula.parse('0.123456789*log(x) + y'))).toBe(
      'Formula of x, y\n  f =  y + 0.12346*log(x)\n  for  x > 0',
    )
    expect(inspect(Formula.parse('1/2'))).toBe('Formula of no variables\n  f =  1/2')
  })
})
