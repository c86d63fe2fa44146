/**
 * What a search for formulas found: the front of those that nothing shorter matches, and which of them is best.
 */

import { KanError } from '../errors.js'
import type { Kan } from '../model.js'
import type { SingleRow } from '../predict.js'
import { counted, cut, inspectSymbol, short, table } from '../text/table.js'
import { choice, refuseType } from '../validate.js'
import { type EvaluateOptions, Formula, type FormulaFormat, type FormulaRows, type PrintOptions } from './formula.js'

/** A constant of a formula. */
export interface FormulaConstant {
  /** Its name in {@link SymbolicCandidate.skeleton}. */
  readonly name: string
  /** Its value. */
  readonly value: number
  /** Its standard error by the data; `null` if it is exact, or the data do not determine it. */
  readonly standardError: number | null
  /** The exact number that it was found to be, such as `1/2` or `2*pi`; `null` if it is none. */
  readonly snapped: string | null
}

/** How far a formula is from the network that it was read from, on the data. */
export interface Agreement {
  /** The largest difference. */
  readonly largest: number
  /** The root-mean-square difference. */
  readonly rms: number
}

/** Why a search ended. */
export type SearchEnd = 'exact' | 'complete' | 'budget' | 'time' | 'signal'

/** How a search went. */
export interface SearchEffort {
  /** Work that was done, in the units of the option `evaluations` of the search. */
  readonly evaluations: number
  /** Milliseconds that it took. */
  readonly elapsedMs: number
  /** Why it ended: an exact formula, nothing left to try, the budget, the time limit, or the signal. */
  readonly ended: SearchEnd
}

/** A candidate as native code tells it and files keep it. */
interface Kept {
  readonly formula: unknown
  readonly skeleton: string
  readonly constants: readonly FormulaConstant[]
  readonly complexity: number
  readonly error: number
  readonly validationError: number | null
  readonly r2: number
  readonly bits: number
  readonly exact: boolean
  readonly agreement?: Agreement | null
}

/** A front as native code tells it and files keep it. */
export interface KeptFront {
  readonly front: readonly Kept[]
  readonly best: number
  readonly mostAccurate: number
  readonly effort?: SearchEffort
}

/** A formula that was found, with how well it does. */
export class SymbolicCandidate {
  /** The formula, with its constants' values. */
  readonly formula: Formula
  /** The formula with names in the places of the constants. */
  readonly skeleton: string
  /** The constants, with their standard errors and what they were recognised as. */
  readonly constants: readonly FormulaConstant[]
  /** Length of the formula; see {@link Formula.complexity}. */
  readonly complexity: number
  /** Root-mean-square error on the data, in the units of the target. */
  readonly error: number
  /** The same on the validation rows; `null` if there are none, or the formula has no value at one of them. */
  readonly validationError: number | null
  /** Part of the target's variance that is explained. */
  readonly r2: number
  /** Length in bits of the description of the data by this formula; differences count, the least is the best. */
  readonly bits: number
  /** Whether it meets the data to rounding, with at most seven free constants, and fewer than rows. */
  readonly exact: boolean
  /** How far it is from the network that `symbolic` read it from; `null` if `discover` found it. */
  readonly agreement: Agreement | null

  /** @internal */
  constructor(kept: Kept) {
    this.formula = Formula.fromJSON(kept.formula)
    this.skeleton = kept.skeleton
    this.constants = Object.freeze(kept.constants.map(constant => Object.freeze({ ...constant })))
    this.complexity = kept.complexity
    this.error = kept.error
    this.validationError = kept.validationError
    this.r2 = kept.r2
    this.bits = kept.bits
    this.exact = kept.exact
    this.agreement = kept.agreement ?? null
  }

  /** Conditions under which the formula has a value, such as `x > 0`. */
  get domain(): readonly string[] {
    return this.formula.domain
  }

  /** Values of the formula; see {@link Formula.evaluate}. */
  evaluate(row: SingleRow, options?: EvaluateOptions): number
  evaluate(rows: FormulaRows, options?: EvaluateOptions): Float64Array
  evaluate(rows: FormulaRows & SingleRow, options?: EvaluateOptions): number | Float64Array {
    return this.formula.evaluate(rows, options)
  }

  /** The derivative by a variable; see {@link Formula.derivative}. */
  derivative(variable: string): Formula {
    return this.formula.derivative(variable)
  }

  /** A model that computes the formula; see {@link Formula.toModel}. */
  toModel(box?: Readonly<Record<string, readonly [low: number, high: number]>>): Kan {
    return this.formula.toModel(box)
  }

  /** The formula in a format; see {@link Formula.print}. */
  print(format?: FormulaFormat, options?: PrintOptions): string {
    return this.formula.print(format, options)
  }

  /** The formula in LaTeX. */
  get latex(): string {
    return this.formula.print('latex')
  }

  /** What {@link SymbolicResult.toJSON} keeps. */
  toJSON(): unknown {
    const { formula, skeleton, constants, complexity, error, validationError, r2, bits, exact, agreement } = this
    const kept = { skeleton, constants, complexity, error, validationError, r2, bits, exact, agreement }
    return { formula: formula.toJSON(), ...kept }
  }

  /** The formula as text. */
  toString(): string {
    return this.formula.toString()
  }

  /** What `console.log` shows. */
  [inspectSymbol](): string {
    const errors: [string, string][] = [['error', short(this.error)]]
    if (this.validationError !== null) errors.push(['validation error', short(this.validationError)])
    if (this.agreement !== null) {
      const { largest, rms } = this.agreement
      errors.push(['from the network', `at most ${short(largest)}, rms ${short(rms)}`])
    }
    const named = this.constants.map(({ name, value, standardError, snapped }) => [
      name,
      snapped ?? `${short(value)}${standardError === null ? '' : ` ± ${short(standardError)}`}`,
    ])
    const conditions = this.domain
    const domain = conditions.length === 0 ? [] : [['for', cut(conditions.join(', '), 72)]]
    const rows = [['complexity', short(this.complexity)], ...errors, ...domain, ...named]
    return `${cut(this.formula.print('text', { digits: 5 }), 100)}\n${table(rows)}`
  }
}

/** Candidates of a search, of which none is both shorter and more accurate than another. */
export class SymbolicResult implements Iterable<SymbolicCandidate> {
  /** The candidates, the shortest formula first. */
  readonly front: readonly SymbolicCandidate[]
  /** How the search went; `null` if that was not kept. */
  readonly effort: SearchEffort | null
  readonly #best: number
  readonly #mostAccurate: number

  /** @internal */
  constructor({ front, best, mostAccurate, effort }: KeptFront) {
    this.front = Object.freeze(front.map(kept => new SymbolicCandidate(kept)))
    this.effort = effort ?? null
    this.#best = best
    this.#mostAccurate = mostAccurate
  }

  /**
   * The best candidate: by the length of the description of the data, which weighs accuracy against the formula's length
   * and its constants, or the one with the least error.
   */
  best(by: 'description' | 'accuracy' = 'description'): SymbolicCandidate {
    const wanted = choice(by, 'by', ['description', 'accuracy'])
    return this.front[wanted === 'description' ? this.#best : this.#mostAccurate]!
  }

  /** Goes through the candidates, the shortest formula first. */
  [Symbol.iterator](): Iterator<SymbolicCandidate> {
    return this.front[Symbol.iterator]()
  }

  /** The result for `JSON.stringify`; {@link SymbolicResult.fromJSON} reads it. */
  toJSON(): unknown {
    const front = this.front.map(candidate => candidate.toJSON())
    return { front, best: this.#best, mostAccurate: this.#mostAccurate, effort: this.effort }
  }

  /**
   * Reads what {@link SymbolicResult.toJSON} gave, as an object or as text.
   *
   * @throws {@link KanError} `ERR_KAN_FORMULA` if it is something else.
   */
  static fromJSON(json: unknown): SymbolicResult {
    const value: unknown = typeof json === 'string' ? parsed(json) : json
    if (typeof value !== 'object' || value === null) refuseType('The result', 'what toJSON of a result gave', json)
    const { front, best, mostAccurate, effort } = value as Partial<KeptFront>
    if (!Array.isArray(front)) refuse('has no list `front`')
    front.forEach((candidate, place) => {
      const fault = faultOf(candidate)
      if (fault !== undefined) refuse(`has a candidate front[${place}] whose \`${fault}\` is missing or something else`)
    })
    for (const [name, place] of Object.entries({ best, mostAccurate })) {
      if (!Number.isInteger(place) || front[place!] === undefined) refuse(`has no candidate at the place \`${name}\``)
    }
    return new SymbolicResult({
      front,
      best: best!,
      mostAccurate: mostAccurate!,
      ...(effort === undefined || effort === null ? {} : { effort }),
    })
  }

  /** What `console.log` shows. */
  toString(): string {
    return this[inspectSymbol]()
  }

  /** What `console.log` shows: the front as a table, the best marked. */
  [inspectSymbol](): string {
    const validated = this.front.some(candidate => candidate.validationError !== null)
    const agreeing = this.front.some(candidate => candidate.agreement !== null)
    const rows = this.front.map((candidate, place) => [
      place === this.#best ? '→' : '',
      candidate.complexity,
      short(candidate.error),
      ...(validated ? [candidate.validationError === null ? '–' : short(candidate.validationError)] : []),
      ...(agreeing ? [candidate.agreement === null ? '–' : short(candidate.agreement.largest)] : []),
      short(Math.round(10 * candidate.bits) / 10),
      cut(candidate.print('text', { digits: 5 }), 80),
    ])
    const header = [
      '',
      'length',
      'error',
      ...(validated ? ['validation'] : []),
      ...(agreeing ? ['from network'] : []),
      'bits',
      'formula',
    ]
    return `${counted(this.front.length, 'formula')}, → is the best\n${table(rows, header)}`
  }
}

function refuse(fault: string): never {
  throw new KanError({
    code: 'ERR_KAN_FORMULA',
    message: `The JSON is no result of a search for formulas: it ${fault}`,
    hint: 'Give what toJSON() of a SymbolicResult returned.',
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    return refuse(`is not JSON (${(error as Error).message})`)
  }
}

const isNumber = (value: unknown) => typeof value === 'number'
const isNumberOrNull = (value: unknown) => value === null || isNumber(value)

function isAgreement(value: unknown): boolean {
  if (value === undefined || value === null) return true
  const { largest, rms } = value as Partial<Agreement>
  return isNumber(largest) && isNumber(rms)
}

function isConstant(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { name, value: number, standardError, snapped } = value as Partial<FormulaConstant>
  const isText = snapped === null || typeof snapped === 'string'
  return typeof name === 'string' && isNumber(number) && isNumberOrNull(standardError) && isText
}

/** What a kept candidate needs, and how it is told. */
const kept: { readonly [Name in keyof Required<Kept>]: (value: unknown) => boolean } = {
  formula: value => value !== undefined,
  skeleton: value => typeof value === 'string',
  constants: value => Array.isArray(value) && value.every(isConstant),
  complexity: isNumber,
  error: isNumber,
  validationError: isNumberOrNull,
  r2: isNumber,
  bits: isNumber,
  exact: value => typeof value === 'boolean',
  agreement: isAgreement,
}

/** Which property of a kept candidate is missing or something else. */
function faultOf(candidate: unknown): string | undefined {
  if (typeof candidate !== 'object' || candidate === null) return 'formula'
  const values = candidate as Partial<Record<keyof Kept, unknown>>
  return Object.entries(kept).find(([name, suits]) => !suits(values[name as keyof Kept]))?.[0]
}
