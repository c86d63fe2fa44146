/**
 * Formulas: read from text, evaluated, differentiated and written in the languages that people and programs read.
 */

import type { RowObject } from '../data/columns.js'
import type { Dataset } from '../data/dataset.js'
import type { Matrix, NumberRows } from '../data/rows.js'
import { writeSchema } from '../description.js'
import { KanError, native } from '../errors.js'
import { modelOver } from '../made-models.js'
import type { Kan } from '../model.js'
import { modelOfFormula, NativeFormula, type NativeFormulaHandle, NativeModel } from '../native.js'
import type { SingleRow } from '../predict.js'
import { card, cut, inspectSymbol } from '../text/table.js'
import { choice, fields, interval, ownFields, refuseType, whole, word, wordList } from '../validate.js'
import { explained } from './faults.js'
import { rowsFor } from './rows.js'

/** The formats of {@link Formula.print}. */
export type FormulaFormat = 'text' | 'latex' | 'mathml' | 'javascript' | 'python' | 'sympy' | 'c' | 'rust' | 'json'

const formats: readonly FormulaFormat[] = [
  'text',
  'latex',
  'mathml',
  'javascript',
  'python',
  'sympy',
  'c',
  'rust',
  'json',
]

/** How text is read. */
export interface FormulaOptions {
  /** The variables, in the order of the columns of rows; those in the text in natural order unless given. */
  variables?: readonly string[] | undefined
}

/** How a formula is written. */
export interface PrintOptions {
  /** Significant digits that inexact numbers are rounded to, 1 to 17; all of them unless given. */
  digits?: number | undefined
}

/** How a formula is evaluated. */
export interface EvaluateOptions {
  /** What happens where the formula has no finite value: an error that names the row unless `'keep'` is given. */
  nonFinite?: 'throw' | 'keep' | undefined
}

/** Bounds of what a formula can be in a box. */
export interface FormulaBounds {
  /** No value is less. */
  readonly low: number
  /** No value is greater. */
  readonly high: number
  /** Whether it surely has a value everywhere in the box. */
  readonly defined: boolean
}

/** Rows to evaluate a formula on: of numbers in the order of its variables, or with the variables by name. */
export type FormulaRows = NumberRows | Matrix | Dataset | readonly RowObject[]

/** Wraps a native formula. */
export let formulaOf: (handle: NativeFormulaHandle) => Formula

function calling<T>(call: () => T, text?: string): T {
  try {
    return native(call)
  } catch (error) {
    throw explained(error, text)
  }
}

/**
 * A formula of named variables, such as `exp(sin(pi*x) + y^2)`. It never changes.
 *
 * It is kept in a canonical form, so that `x + x` is `2*x` and equal formulas print the same. Fractions are exact. Powers
 * are those of floating-point numbers: a fractional power of a negative number is no number.
 */
export class Formula {
  readonly #handle: NativeFormulaHandle
  readonly #variables: readonly string[]

  private constructor(handle: NativeFormulaHandle) {
    if (!(handle instanceof NativeFormula)) {
      refuseType('The argument of new Formula(…)', 'left to the package', handle, "Write Formula.parse('x^2 + 1').")
    }
    this.#handle = handle
    this.#variables = native(() => handle.variables())
  }

  /**
   * Reads a formula: `+ - * / ^` (or `**`), parentheses, numbers, `pi`, `e`, and functions such as `sin`, `exp`, `sqrt`,
   * `abs`, `erf`. All other names are variables; names that are no identifiers stand between backticks.
   *
   * @throws {@link KanError} `ERR_KAN_FORMULA`, whose `details.column` says where the text goes wrong.
   */
  static parse(text: string, options: FormulaOptions = {}): Formula {
    if (typeof text !== 'string') refuseType('The formula', 'a text', text)
    const { variables } = fields(options, 'the options of parse', ['variables'])
    const names = variables === undefined ? undefined : wordList(variables, 'variables')
    return new Formula(calling(() => NativeFormula.parse(text, names), text))
  }

  /**
   * Reads what {@link Formula.toJSON} or `print('json')` gave.
   *
   * @throws {@link KanError} `ERR_KAN_FORMULA`.
   */
  static fromJSON(json: unknown): Formula {
    const text = typeof json === 'string' ? json : (JSON.stringify(json) ?? 'null')
    return new Formula(calling(() => NativeFormula.read(text)))
  }

  /** Names of the variables, in the order of the columns of rows. */
  get variables(): readonly string[] {
    return [...this.#variables]
  }

  /**
   * How long the formula is: 1 for a constant, 1.5 for a variable, 1 for each operation, 2 for exp, log, sin, cos and the
   * square root, 3.5 for other functions.
   */
  get complexity(): number {
    return native(() => this.#handle.complexity())
  }

  /** Conditions under which it has a value, such as `x > 0`; none if it has one everywhere. */
  get domain(): readonly string[] {
    return native(() => this.#handle.conditions())
  }

  /**
   * Values of the formula, one for each row; for a single row a number.
   *
   * @param rows Rows of numbers in the order of {@link Formula.variables}, or anything that has the variables by name.
   * @throws {@link KanError} `ERR_KAN_NUMBER` for a row where it has no finite value, and for rows that do not fit.
   */
  evaluate(rows: SingleRow, options?: EvaluateOptions): number
  evaluate(rows: FormulaRows, options?: EvaluateOptions): Float64Array
  evaluate(rows: FormulaRows | SingleRow, options: EvaluateOptions = {}): number | Float64Array {
    const { nonFinite = 'throw' } = fields(options, 'the options of evaluate', ['nonFinite'])
    const keep = choice(nonFinite, 'nonFinite', ['throw', 'keep']) === 'keep'
    const { x, rows: count, single } = rowsFor(rows, this.#variables)
    const out = new Float64Array(count)
    native(() => this.#handle.evaluate(x, out))
    const wrong = keep ? -1 : out.findIndex(value => !Number.isFinite(value))
    if (wrong >= 0) this.#refuse(x.subarray(wrong * this.#variables.length), wrong, out[wrong]!)
    return single ? out[0]! : out
  }

  #refuse(x: Float64Array, row: number, found: number): never {
    const point = this.#variables.map((name, column) => `${name} = ${x[column]}`).join(', ')
    const conditions = this.domain.join(', ')
    throw new KanError({
      code: 'ERR_KAN_NUMBER',
      message: `The formula is ${found} at row ${row}: ${cut(point, 80)}`,
      hint: `${conditions === '' ? '' : `It has a value where ${conditions}. `}With nonFinite: 'keep' such values are kept.`,
      details: { row, found },
    })
  }

  /**
   * The derivative by a variable, a formula of the same variables. That of `abs(u)` is `sign(u)`, and that of `sign`
   * counts as 0.
   *
   * @throws {@link KanError} `ERR_KAN_FORMULA` if there is no such variable.
   */
  derivative(variable: string): Formula {
    const name = word(variable, 'variable')
    return new Formula(calling(() => this.#handle.derivative(name)))
  }

  /** A form that is no longer and has the same values, for all that 64 points tell. */
  simplify(): Formula {
    return new Formula(calling(() => this.#handle.simplified()))
  }

  /**
   * Bounds of its values while variables stay in their intervals; those without one may be anything.
   *
   * @param box An interval for each variable: `{ x: [0, 1] }`.
   */
  bounds(box: Readonly<Record<string, readonly [low: number, high: number]>>): FormulaBounds {
    const given = Object.entries(ownFields(box, 'box', 'an object with an interval for each variable'))
    const intervals = Object.fromEntries(given.map(([name, ends]) => [name, interval(ends, `box.${name}`)]))
    const json = calling(() => this.#handle.bounds(JSON.stringify(intervals)))
    const found = JSON.parse(json) as { low: number | null; high: number | null; defined: boolean }
    const { POSITIVE_INFINITY, NEGATIVE_INFINITY } = Number
    return { low: found.low ?? NEGATIVE_INFINITY, high: found.high ?? POSITIVE_INFINITY, defined: found.defined }
  }

  /**
   * The formula in a format: `text` (what {@link Formula.parse} reads), `latex`, `mathml`, `json`, or source of a function
   * `formula` of its variables in `javascript`, `python` (NumPy), `c` (C99) or `rust`, or of a SymPy expression.
   *
   * @throws {@link KanError} `ERR_KAN_FORMULA` if it would have more than a million parts.
   */
  print(format: FormulaFormat = 'text', options: PrintOptions = {}): string {
    const name = choice(format, 'format', formats)
    const { digits } = fields(options, 'the options of print', ['digits'])
    if (digits === undefined) return calling(() => this.#handle.print(name))
    const places = whole(digits, 'digits', { min: 1, max: 17 })
    return calling(() => this.#handle.printRounded(name, places))
  }

  /**
   * The formula as a JavaScript function of its variables in their order. It returns NaN where the formula has no value,
   * and does not check what it is given. Its source is `print('javascript')`.
   */
  compile(): (...values: number[]) => number {
    const source = this.print('javascript')
    try {
      return new Function(`'use strict'\n${source}\nreturn formula`)() as (...values: number[]) => number
    } catch (error) {
      if (!(error instanceof EvalError)) throw error
      // Where code from text is not allowed, native code does the work.
      return (...values) => this.#valueAt(values)
    }
  }

  #valueAt(values: readonly number[]): number {
    const out = new Float64Array(1)
    native(() =>
      this.#handle.evaluate(
        Float64Array.from(this.#variables, (_, at) => values[at] ?? Number.NaN),
        out,
      ),
    )
    return out[0]!
  }

  /**
   * A model that computes this formula: sums become nodes, products product nodes, and all that is done to one number an
   * edge. The formula's decimals are parameters, so that the model can be trained on.
   *
   * @param box An interval in which each variable is expected; [-1, 1] for those without one.
   * @throws {@link KanError} for a formula of no variables, or one that needs more than 500 nodes in a layer.
   */
  toModel(box: Readonly<Record<string, readonly [low: number, high: number]>> = {}): Kan {
    const given = Object.entries(ownFields(box, 'box', 'an object with an interval for each variable'))
    const known = new Map(
      given.map(([name, ends]) => [choice(name, 'box', this.#variables), interval(ends, `box.${name}`)]),
    )
    const ends = this.#variables.map(name => known.get(name) ?? ([-1, 1] as const))
    const [low, high] = [0, 1].map(end => Float64Array.from(ends, pair => pair[end]!))
    const bytes = calling(() => modelOfFormula(this.print('json'), low!, high!))
    const model = native(() => NativeModel.decode(bytes))
    const features = this.#variables.map(name => ({ name, kind: 'number' as const, fill: null }))
    const schema = writeSchema({ encoding: { features, targets: [], classes: null }, classes: null })
    native(() => model.setMetadata(schema))
    return modelOver(model)
  }

  /** Whether another formula is the same expression of the same variables, in canonical form. */
  equals(other: Formula): boolean {
    if (!(other instanceof Formula)) refuseType('other', 'a Formula', other)
    return native(() => this.#handle.equals(other.#handle))
  }

  /** The formula for `JSON.stringify`; {@link Formula.fromJSON} reads it. */
  toJSON(): unknown {
    return JSON.parse(this.print('json'))
  }

  /** The formula in the notation that {@link Formula.parse} reads, all digits included. */
  toString(): string {
    return this.print('text')
  }

  /** What `console.log` shows: the formula with five digits, and where it has a value. */
  [inspectSymbol](): string {
    const title = `Formula of ${this.#variables.length === 0 ? 'no variables' : cut(this.#variables.join(', '), 72)}`
    const conditions = this.domain
    const shown: [string, string][] = [['f =', this.#short()]]
    return card(title, conditions.length === 0 ? shown : [...shown, ['for', cut(conditions.join(', '), 72)]])
  }

  #short(): string {
    try {
      return this.print('text', { digits: 5 })
    } catch (error) {
      return error instanceof KanError ? '(more than a million parts)' : ''
    }
  }

  static {
    formulaOf = handle => new Formula(handle)
  }
}
