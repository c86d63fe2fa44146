/**
 * From a model to formulas: the options of `symbolic`, the native search, and what it found.
 */

import { Callbacks } from '../callbacks.js'
import type { ModelColumns, TrainingData } from '../data/prediction.js'
import type { DatasetParts } from '../data/table.js'
import { isClassification } from '../data/targets.js'
import { KanError, native } from '../errors.js'
import { checkedParts, nativeData } from '../fit.js'
import { threadCount } from '../fit-options.js'
import type { LossName } from '../history.js'
import type { Kan } from '../model.js'
import type { NativeModelHandle, NativeOutcome } from '../native.js'
import { optional } from '../options.js'
import type { EdgePlace } from '../prune-options.js'
import { isSignal, type Signal } from '../signal.js'
import { listed } from '../text/suggest.js'
import { counted, inspectSymbol, short } from '../text/table.js'
import { choice, type Fields, fields, finite, refuseType, whole } from '../validate.js'
import { type KeptFront, SymbolicResult } from './result.js'
import { type FamilyName, familyList } from './suggest.js'

/** How far a search for a model's formula is. */
export interface SymbolicProgress {
  /** Fits of networks and formulas so far. */
  readonly evaluations: number
  /** Milliseconds since the search began. */
  readonly elapsedMs: number
  /** Edges that are formulas in the best network so far. */
  readonly fixed: number
  /** Edges that there are. */
  readonly edges: number
  /** Its root-mean-square error, in the units of the target. */
  readonly error: number
}

/** How to search for a model's formula. */
export interface SymbolicOptions {
  /**
   * Families that edges may be: names, `'default'` for all that are tried unless this is given, and formulas such as
   * `Formula.parse('x*exp(-b*x)')`, in which `x` is the edge's input and all others are constants to be found.
   */
  families?: readonly FamilyName[] | undefined
  /** The output whose formula is wanted, by name or number; needed where there are several. */
  output?: string | number | undefined
  /** Networks that are followed at a time, 1 to 64; 4 unless given. */
  beam?: number | undefined
  /** Fits of networks and formulas at most; 2,000 unless given. The result is the same on any machine. */
  evaluations?: number | undefined
  /** Seconds after which the search ends with the best so far, which then depends on the machine. */
  timeLimit?: number | undefined
  /**
   * How far the model may be from the truth, as a part of the target's standard deviation. Taken from `validation` unless
   * given, or else from the data.
   */
  noise?: number | undefined
  /** Rows that neither the model nor the search has seen. */
  validation?: TrainingData | undefined
  /** Number of threads; one for each core unless given. The result does not depend on it. */
  threads?: number | undefined
  /** Stops the search when it is aborted; the promise rejects with an `AbortError`, which has `details.result`. */
  signal?: Signal | undefined
  /** Called about twenty times a second at most. What it throws ends the search. */
  onProgress?: ((progress: SymbolicProgress) => unknown) | undefined
}

const optionNames: readonly (keyof SymbolicOptions)[] = [
  'families',
  'output',
  'beam',
  'evaluations',
  'timeLimit',
  'noise',
  'validation',
  'threads',
  'signal',
  'onProgress',
]

/** A model some of whose edges no family explains. */
export interface HybridModel {
  /** The model, all other edges of which are formulas. */
  readonly model: Kan
  /** The edges that stay splines. */
  readonly splines: readonly EdgePlace[]
  /** Its root-mean-square error on the data, in the units of the target. */
  readonly error: number
}

/** The formulas of a model. */
export class ModelFormulas extends SymbolicResult {
  /**
   * Where some edges are better left splines, a model with formulas on all others; `null` where formulas say it all. Not
   * kept by `toJSON`: save the model.
   */
  readonly hybrid: HybridModel | null

  /** @internal */
  constructor(kept: KeptFront, hybrid: HybridModel | null) {
    super(kept)
    this.hybrid = hybrid
  }

  /** What `console.log` shows: the front as a table, and which edges nothing explains. */
  override [inspectSymbol](): string {
    const shown = super[inspectSymbol]()
    if (this.hybrid === null) return shown
    const edges = this.hybrid.splines.map(({ layer, from, to }) => `layer ${layer}, ${from} to ${to}`).join('; ')
    const count = counted(this.hybrid.splines.length, 'edge')
    const error = `error ${short(this.hybrid.error)}`
    return `${shown}\nNo family explains ${count} (${edges}): see hybrid.model, ${error}`
  }
}

/** A search that is ready to run. */
export interface SymbolicPlan {
  readonly training: Readonly<DatasetParts>
  readonly judging: Readonly<DatasetParts> | null
  readonly json: string
  readonly signal: Signal | undefined
  readonly onProgress: SymbolicOptions['onProgress']
}

/** What a search is about. */
export interface SymbolicTarget {
  readonly columns: ModelColumns
  readonly loss: LossName | null
  readonly outputNames: readonly string[] | null
}

function outputOf(value: unknown, { columns, outputNames }: SymbolicTarget): number {
  const { outputs } = columns
  if (value === undefined && outputs === 1) return 0
  if (typeof value === 'number') return whole(value, 'output', { min: 0, max: outputs - 1 })
  if (outputNames === null) refuseType('output', `a number from 0 to ${outputs - 1}`, value)
  if (value === undefined) refuseType('output', `the output wanted, one of ${listed(outputNames)}`, value)
  return outputNames.indexOf(choice(value, 'output', outputNames))
}

function refuseUnfit({ loss }: SymbolicTarget): void {
  if (loss === null) {
    throw new KanError({
      code: 'ERR_KAN_OPTION',
      message: 'The model has not been trained: its edges are random',
      hint: 'Call fit first, or discover(data), which needs no model.',
    })
  }
  if (!isClassification(loss)) return
  throw new KanError({
    code: 'ERR_KAN_OPTION',
    message: `The model tells classes apart ('${loss}'); formulas are of quantities`,
    hint: 'See suggest for what single edges may be.',
    details: { loss },
  })
}

/** The rows with one target. */
function withTarget(parts: Readonly<DatasetParts>, output: number): Readonly<DatasetParts> {
  if (parts.targets === 1) return parts
  const y = Float64Array.from({ length: parts.rows }, (_, row) => parts.y[row * parts.targets + output]!)
  return { ...parts, y, targets: 1 }
}

/** Checks data and options. */
export function symbolicPlan(data: unknown, options: unknown, target: SymbolicTarget): SymbolicPlan {
  const given: Fields = fields(options, 'the options of symbolic', optionNames)
  const { signal, onProgress } = given
  if (signal !== undefined && !isSignal(signal)) refuseType('signal', 'an AbortSignal', signal)
  if (onProgress !== undefined && typeof onProgress !== 'function') refuseType('onProgress', 'a function', onProgress)
  refuseUnfit(target)
  const output = outputOf(given.output, target)
  const parts = (value: unknown) => withTarget(checkedParts(value, target.columns, target.loss), output)
  const training = parts(data)
  const json = JSON.stringify({
    names: target.columns.inputNames ?? training.featureNames,
    output,
    beam: optional(given.beam, value => whole(value, 'beam', { min: 1, max: 64 })) ?? 4,
    evaluations: optional(given.evaluations, value => whole(value, 'evaluations', { min: 1 })) ?? 2000,
    seconds: optional(given.timeLimit, value => finite(value, 'timeLimit', { above: 0, max: 1e9 })),
    noise: optional(given.noise, value => finite(value, 'noise', { min: 0, below: 1 })),
    families: familyList(given.families),
    threads: optional(given.threads, threadCount) ?? 0,
  })
  const judging = given.validation === undefined ? null : parts(given.validation)
  return { training, judging, json, signal, onProgress: onProgress as SymbolicOptions['onProgress'] }
}

/** Starts the native search; `finish` waits for callbacks that it has called. */
export function searchModel(
  model: NativeModelHandle,
  { training, judging, json, onProgress }: SymbolicPlan,
): { outcome: Promise<NativeOutcome>; finish: () => Promise<void> } {
  const callbacks = new Callbacks(() => native(() => model.cancel()))
  const hear = callbacks.add(onProgress)
  const validation = judging === null ? null : nativeData(judging)
  const outcome = native(() =>
    model.symbolic(nativeData(training), validation, json, text => hear(JSON.parse(text) as SymbolicProgress)),
  )
  return { outcome, finish: () => callbacks.finish() }
}

/** A front with what is beside it, as native code tells it. */
export interface KeptFormulas extends KeptFront {
  readonly hybrid?: Omit<HybridModel, 'model'>
}
