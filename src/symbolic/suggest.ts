/**
 * What an edge of a model may be: families of functions, ranked.
 */

import type { PredictInput, TrainingData } from '../data/prediction.js'
import { native } from '../errors.js'
import { familyNames, NativeFormula, type NativeModelHandle } from '../native.js'
import { optional } from '../options.js'
import type { EdgePlace } from '../prune-options.js'
import { cut, inspectSymbol, table } from '../text/table.js'
import { choice, fields, finite, refuseType, whole } from '../validate.js'
import { explained } from './faults.js'
import { Formula, formulaOf } from './formula.js'

/** A family of functions: a name, all that are tried by default, or a formula of x whose other variables are constants. */
export type FamilyName = 'default' | (string & {}) | Formula

/** Which edge to look at, and how. */
export interface SuggestOptions extends EdgePlace {
  /**
   * Rows for which the edge's input is computed: the curve counts most where they are, and one outlier does not matter.
   * Without them the curve counts evenly over the edge's grid.
   */
  data?: TrainingData | PredictInput | undefined
  /**
   * Families to try: names, `'default'` for all that are tried unless this is given, and formulas such as
   * `Formula.parse('x*exp(-b*x)')`, in which `x` is the edge's input and all other variables are constants to be found.
   */
  families?: readonly FamilyName[] | undefined
  /**
   * How far the curve may be from the truth, as a part of its standard deviation: the model's root-mean-square error on
   * rows that it was not trained on, over the spread of the targets. A tenth of it is as good. 1e-4 unless given.
   */
  noise?: number | undefined
}

/** A function that an edge may be. */
export interface Suggestion {
  /** The name of the family, or the formula that was given. */
  readonly family: string
  /** The best function of the family, in the units of the data where the edge touches them. */
  readonly formula: Formula
  /** Root-mean-square difference from the edge, as a part of the edge's standard deviation. */
  readonly error: number
  /** Part of the edge's variance that is explained: 1 − error². */
  readonly r2: number
  /** Length of the description of the edge by this function, in bits above the best one. */
  readonly bits: number
  /** Length of the formula; see {@link Formula.complexity}. */
  readonly complexity: number
}

const optionNames = ['layer', 'from', 'to', 'data', 'families', 'noise']

/** Checked options. */
interface Wanted {
  readonly place: EdgePlace
  readonly data: unknown
  readonly families: readonly unknown[]
  readonly noise: number
}

/** Checks the options of `suggest`. */
export function suggestOptions(value: unknown): Wanted {
  if (value === undefined) refuseType('The argument of suggest', '{ layer, from, to }', value)
  const given = fields(value, 'the options of suggest', optionNames)
  const at = (name: 'layer' | 'from' | 'to') => whole(given[name], name, { min: 0 })
  const place = { layer: at('layer'), from: at('from'), to: at('to') }
  const noise = optional(given.noise, noise => finite(noise, 'noise', { min: 0, below: 1 })) ?? 1e-4
  return { place, data: given.data, families: familyList(given.families), noise }
}

/** Families for native code, checked. */
export function familyList(value: unknown): unknown[] {
  if (value === undefined) return ['default']
  if (!Array.isArray(value) || value.length === 0) {
    refuseType('families', "a list such as ['default', Formula.parse('x*exp(-b*x)')]", value)
  }
  const names = ['default', ...native(() => familyNames())]
  return value.map((family: unknown, at) => {
    if (family instanceof Formula) return { formula: family.print('json') }
    const name = choice(family, `families[${at}]`, names)
    return name === 'default' ? name : { named: name }
  })
}

/** Asks native code what an edge may be. */
export function suggestions(
  model: NativeModelHandle,
  { place, families, noise }: Wanted,
  input: { readonly x: Float64Array; readonly rows: number },
  inputNames: readonly string[] | null,
): Suggestions {
  const { layer, from, to } = place
  const variable = (layer === 0 ? inputNames?.[from] : undefined) ?? 'x'
  const options = JSON.stringify({ noise, families, variable })
  try {
    const json = native(() => model.suggest(layer, from, to, input.x, input.rows, options))
    return new Suggestions(place, JSON.parse(json) as Found[])
  } catch (error) {
    throw explained(error)
  }
}

/** A suggestion as native code tells it. */
interface Found {
  readonly family: string
  readonly formula: string
  readonly error: number
  readonly bits: number
}

/** Suggestions that are shown. */
const shown = 10

/** What an edge may be, the best description first. */
export class Suggestions implements Iterable<Suggestion> {
  /** The edge. */
  readonly edge: EdgePlace
  /** All families that are defined where the edge is, the best first. */
  readonly list: readonly Suggestion[]

  /** @internal */
  constructor(edge: EdgePlace, found: readonly Found[]) {
    this.edge = edge
    this.list = found.map(({ family, formula: json, error, bits }) => {
      const formula = formulaOf(native(() => NativeFormula.read(json)))
      const above = bits - found[0]!.bits
      return { family, formula, error: Math.sqrt(error), r2: 1 - error, bits: above, complexity: formula.complexity }
    })
  }

  /** The best, or `undefined` if no family is defined where the edge is. */
  get best(): Suggestion | undefined {
    return this.list[0]
  }

  /** Goes through the suggestions, the best first. */
  [Symbol.iterator](): Iterator<Suggestion> {
    return this.list[Symbol.iterator]()
  }

  /** A table of the first ten. */
  toString(): string {
    const { layer, from, to } = this.edge
    const rows = this.list
      .slice(0, shown)
      .map(({ family, error, bits, complexity, formula }) => [
        cut(family, 24),
        error,
        Number(bits.toFixed(1)),
        complexity,
        cut(formula.print('text', { digits: 4 }), 60),
      ])
    const rest = this.list.length > shown ? `\n  … and ${this.list.length - shown} more` : ''
    const header = ['family', 'error', 'bits', 'complexity', 'formula']
    return `Suggestions for layer ${layer}, node ${from} to node ${to}\n${table(rows, header)}${rest}`
  }

  /** What `console.log` shows. */
  [inspectSymbol](): string {
    return this.toString()
  }
}
