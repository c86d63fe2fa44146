/**
 * Formulas over what a model gives at a point. A residual is written once, with symbols; native code gets it as a list
 * of operations and evaluates and differentiates it at every point.
 */

import { isNumberArray, type NumberArray } from '../data/rows.js'
import { described, KanRangeError, KanTypeError } from '../errors.js'
import { suggestion } from '../text/suggest.js'
import { counted } from '../text/table.js'
import { finite, refuseType, whole } from '../validate.js'

/** A function of the coordinates of a point, which is called once for each point. */
export type PointFunction = (...coordinates: number[]) => number

/** Numbers given for the points: one for each, or a function of their coordinates. */
export type PointNumbers = NumberArray | readonly number[] | PointFunction

/** What an expression can be combined with: another one, a number, or numbers given for the points. */
export type Operand = Expression | number | PointNumbers

/** An operation as native code reads it; `a` and `b` are places of earlier ones. */
export type Operation = { readonly op: string } & Readonly<Record<string, unknown>>

/** What an expression is made of. */
type Node =
  | { readonly leaf: Operation }
  | { readonly numbers: PointNumbers }
  | { readonly op: string; readonly arguments: readonly Expression[]; readonly exponent?: number }

let nodeOf: (expression: Expression) => Node

/**
 * A formula, made of symbols by its methods. It holds no numbers of its own: what it amounts to is for each point to
 * say.
 */
export class Expression {
  readonly #node: Node

  /** @internal */
  constructor(node: Node) {
    this.#node = node
  }

  /** The sum with another. */
  plus(other: Operand): Expression {
    return binary('add', this, other)
  }

  /** The difference: this minus another. */
  minus(other: Operand): Expression {
    return binary('subtract', this, other)
  }

  /** The product with another. */
  times(other: Operand): Expression {
    return binary('multiply', this, other)
  }

  /** The quotient: this over another. */
  over(other: Operand): Expression {
    return binary('divide', this, other)
  }

  /** A power with a constant exponent. */
  pow(exponent: number): Expression {
    return new Expression({ op: 'power', arguments: [this], exponent: finite(exponent, 'exponent') })
  }

  /** The square. */
  square(): Expression {
    return this.pow(2)
  }

  /** The same with the other sign. */
  negate(): Expression {
    return unary('negate', this)
  }

  /** The sine. */
  sin(): Expression {
    return unary('sin', this)
  }

  /** The cosine. */
  cos(): Expression {
    return unary('cos', this)
  }

  /** The exponential function. */
  exp(): Expression {
    return unary('exp', this)
  }

  /** The natural logarithm. */
  log(): Expression {
    return unary('log', this)
  }

  /** The hyperbolic tangent. */
  tanh(): Expression {
    return unary('tanh', this)
  }

  /** The square root. */
  sqrt(): Expression {
    return unary('sqrt', this)
  }

  /** Refuses `u + v`, `2 * u` and the like, which JavaScript would turn into text or NaN. */
  [Symbol.toPrimitive](): never {
    throw new KanTypeError({
      code: 'ERR_KAN_OPTION',
      message: 'An expression is not a number: JavaScript has no operators for it',
      hint: 'Write u.plus(v), u.minus(v), u.times(2), u.over(v), u.pow(2).',
    })
  }

  static {
    nodeOf = expression => expression.#node
  }
}

/** An output of the model, or a derivative of one. */
export class Field extends Expression {
  readonly #output: number
  readonly #by: readonly number[]
  readonly #inputs: InputNames

  /** @internal */
  constructor(output: number, inputs: InputNames, by: readonly number[] = []) {
    super({ leaf: by.length === 0 ? { op: 'output', output } : { op: 'derivative', output, by } })
    this.#output = output
    this.#by = by
    this.#inputs = inputs
  }

  /**
   * The derivative by one or two inputs, each given by its name or its index: `u.d('x')`, `u.d(0, 1)`. A derivative of a
   * derivative is one too: `u.d('x').d('x')`.
   */
  d(...by: (string | number)[]): Field {
    const all = [...this.#by, ...by.map(input => inputOf(input, this.#inputs))]
    if (by.length === 0 || all.length > 2) {
      throw new KanRangeError({
        code: 'ERR_KAN_OPTION',
        message: `u.d(…) gives derivatives of order 1 and 2; found order ${all.length}`,
        hint: 'Write an equation of higher order as a system: add an output v and a term for v = ∂u/∂x.',
        details: { option: 'residual', expected: '1 or 2', found: all.length },
      })
    }
    return new Field(this.#output, this.#inputs, all)
  }
}

/** How many inputs there are, and what they are called, if anything. */
export interface InputNames {
  readonly count: number
  readonly names: readonly string[] | null
}

function inputOf(value: unknown, { count, names }: InputNames): number {
  if (typeof value === 'number') return whole(value, 'The input of u.d(…)', { min: 0, max: count - 1 })
  if (typeof value !== 'string') return refuseType('The input of u.d(…)', 'a name or an index', value)
  const index = names?.indexOf(value) ?? -1
  if (index >= 0) return index
  throw new KanRangeError({
    code: 'ERR_KAN_OPTION',
    message: `u.d(…) has no input '${value}'`,
    hint:
      names === null ? "Name the inputs with the option inputs: ['x', 't'], or use indices." : suggestion(value, names),
    details: { option: 'residual', found: value },
  })
}

/** An expression from whatever can be combined with one. */
export function expressionOf(value: unknown, what: string): Expression {
  if (value instanceof Expression) return value
  if (typeof value === 'number') return new Expression({ leaf: { op: 'constant', value: finite(value, what) } })
  if (typeof value === 'function' || Array.isArray(value) || isNumberArray(value)) {
    return new Expression({ numbers: value as PointNumbers })
  }
  return refuseType(what, 'an expression, a number, numbers for the points or a function of their coordinates', value)
}

function binary(op: string, a: Expression, b: unknown): Expression {
  return new Expression({ op, arguments: [a, expressionOf(b, 'The operand')] })
}

function unary(op: string, a: Expression): Expression {
  return new Expression({ op, arguments: [a] })
}

/** A coordinate of the point. */
export function coordinate(input: number): Expression {
  return new Expression({ leaf: { op: 'coordinate', input } })
}

/** A formula in the form of native code. */
export interface Tape {
  /** The operations, each once; the last one is the result. */
  readonly ops: readonly Operation[]
  /** The columns that `data` operations speak of. */
  readonly columns: readonly PointNumbers[]
}

/** Writes an expression as operations, in which what is the same is done once. */
export function tapeOf(expression: Expression): Tape {
  const ops: Operation[] = []
  const columns: PointNumbers[] = []
  const places = new Map<Expression, number>()
  const known = new Map<string, number>()
  const add = (op: Operation) => {
    const key = JSON.stringify(op)
    const place = known.get(key) ?? ops.push(op) - 1
    known.set(key, place)
    return place
  }
  const columnOf = (numbers: PointNumbers) => {
    const column = columns.indexOf(numbers)
    return column >= 0 ? column : columns.push(numbers) - 1
  }
  // A stack of our own: a sum of thousands of terms is as deep as it is long.
  const waiting = [expression]
  while (waiting.length > 0) {
    const next = waiting.at(-1)!
    const node = nodeOf(next)
    if ('arguments' in node) {
      const missing = node.arguments.filter(argument => !places.has(argument))
      if (missing.length > 0) {
        waiting.push(...missing)
        continue
      }
    }
    waiting.pop()
    if (places.has(next)) continue
    places.set(next, add(operationOf(node, places, columnOf)))
  }
  // The last operation is the result, also where the same has been done before.
  const last = places.get(expression)!
  if (last !== ops.length - 1) ops.push({ op: 'power', a: last, exponent: 1 })
  return { ops, columns }
}

function operationOf(
  node: Node,
  places: ReadonlyMap<Expression, number>,
  columnOf: (numbers: PointNumbers) => number,
): Operation {
  if ('leaf' in node) return node.leaf
  if ('numbers' in node) return { op: 'data', column: columnOf(node.numbers) }
  const [a, b] = node.arguments.map(argument => places.get(argument)!)
  const { op, exponent } = node
  if (exponent !== undefined) return { op, a, exponent }
  return b === undefined ? { op, a } : { op, a, b }
}

/** The numbers of columns at points `[rows, inputs]`, as a block `[rows, columns]`. */
export function numbersAt(
  columns: readonly { readonly name: string; readonly numbers: PointNumbers }[],
  points: Float64Array,
  rows: number,
): Float64Array {
  const width = columns.length
  const block = new Float64Array(rows * width)
  for (const [column, { name, numbers }] of columns.entries()) {
    const at = readerOf(numbers, name, points, rows)
    for (let row = 0; row < rows; row++) {
      const value = at(row)
      if (typeof value !== 'number' || !Number.isFinite(value)) refuseNumber(name, row, value)
      block[row * width + column] = value
    }
  }
  return block
}

function readerOf(numbers: PointNumbers, name: string, points: Float64Array, rows: number): (row: number) => unknown {
  if (typeof numbers === 'function') {
    const inputs = points.length / rows
    return row => numbers(...points.subarray(row * inputs, (row + 1) * inputs))
  }
  if (numbers.length !== rows) {
    throw new KanRangeError({
      code: 'ERR_KAN_OPTION',
      message: `${name} has ${counted(numbers.length, 'number')}; there are ${counted(rows, 'point')}`,
      hint: 'Give one number for each point, or a function of the coordinates.',
      details: { expected: rows, found: numbers.length },
    })
  }
  return row => numbers[row]
}

function refuseNumber(name: string, row: number, found: unknown): never {
  throw new KanTypeError({
    code: 'ERR_KAN_NUMBER',
    message: `${name} is ${described(found)} at point ${row}; expected a finite number`,
    hint: 'A function of the coordinates must return a finite number at every point of its term.',
    details: { row, found },
  })
}
