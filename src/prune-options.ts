/**
 * The options of `prune`, `pruneInputs` and `simplify`: types and checks.
 */

import { described, KanRangeError } from './errors.js'
import { type FitOptions, fitPlan, threadCount } from './fit-options.js'
import type { TrainingRecord } from './history.js'
import { optional } from './options.js'
import { isSignal, type Signal } from './signal.js'
import { gridSchedule } from './structure-options.js'
import { type Fields, fields, finite, flag, refuseType, whole } from './validate.js'

/** An edge, by its place. */
export interface EdgePlace {
  /** Index of the layer of edges, from 0. */
  layer: number
  /** Index of the node that it leaves. */
  from: number
  /** Index of the sum that it leads to. */
  to: number
}

/** A hidden node, by its place. */
export interface NodePlace {
  /** Index of the layer of nodes; 0 are the inputs. */
  layer: number
  /** Index of the node. */
  node: number
}

/** How far to prune; give one of `threshold`, `keep`, `maxRise` and `remove`. */
export interface PruneOptions {
  /** Edges and hidden nodes go whose score is below this part of the largest of their layer, from 0 to 1. */
  threshold?: number | undefined
  /**
   * So many edges are to stay, at least 1; those of the lowest scores go. A few more stay where the next to go would take
   * others with it: a node goes with its last edge on either side.
   */
  keep?: number | undefined
  /**
   * By which factor the loss may rise, at least 1: edges are replaced by their means in turn, the lowest score first, and
   * go if the loss bears it. With clean data and a good fit any edge matters; there `simplify`, which trains, does more.
   */
  maxRise?: number | undefined
  /** Just these go. */
  remove?: { edges?: readonly EdgePlace[]; nodes?: readonly NodePlace[]; inputs?: readonly number[] } | undefined
  /** Whether inputs go that are left without edges; `false` unless given. */
  inputs?: boolean | undefined
  /** Number of threads; one for each core unless given. */
  threads?: number | undefined
  /** Stops the work when it is aborted; the promise rejects with an `AbortError`. */
  signal?: Signal | undefined
}

/** Which inputs go; give one of `threshold`, `keep` and `maxRise`. */
export interface PruneInputsOptions {
  /** Inputs go whose score is below this part of the largest, from 0 to 1. */
  threshold?: number | undefined
  /** So many inputs are to stay, at least 1. */
  keep?: number | undefined
  /**
   * By which factor the loss may rise, at least 1: inputs are replaced by what they give on average in turn, the lowest
   * score first, and go if the loss bears it.
   */
  maxRise?: number | undefined
  /** Number of threads; one for each core unless given. */
  threads?: number | undefined
  /** Stops the work when it is aborted; the promise rejects with an `AbortError`. */
  signal?: Signal | undefined
}

/** How to simplify. */
export interface SimplifyOptions {
  /** By which factor the error may rise when a node goes, at least 1; 1.5 on clean data and 1.02 on noisy unless given. */
  maxRise?: number | undefined
  /** Grids to refine to at the end, ascending, as long as that helps; none unless given. */
  grid?: readonly number[] | undefined
  /** Whether inputs go that nothing depends on; `false` unless given. */
  inputs?: boolean | undefined
  /** Data to judge by; unless given the error is estimated from the rows to learn from. */
  validation?: FitOptions['validation']
  /** How to train first. Unless given a new model is trained by the defaults, and a trained one not at all. */
  fit?: Omit<FitOptions, 'signal' | 'threads' | 'onStep'> | undefined
  /** Number of threads; one for each core unless given. */
  threads?: number | undefined
  /** Stops the work when it is aborted; the promise rejects with an `AbortError`. */
  signal?: Signal | undefined
  /** Called with records as they come, those of the first training included; as that of `fit`. */
  onStep?: ((record: TrainingRecord) => unknown) | undefined
}

/** Refuses all but one of some options. */
function only(given: Fields, names: readonly string[], what: string): string {
  const found = names.filter(name => given[name] !== undefined)
  if (found.length === 1) return found[0]!
  throw new KanRangeError({
    code: 'ERR_KAN_OPTION',
    message: `${what} must have one of ${names.join(', ')}; found ${found.length === 0 ? 'none' : found.join(' and ')}`,
    hint: 'For example { threshold: 0.03 }.',
    details: { option: names[0], expected: `one of ${names.join(', ')}`, found },
  })
}

const unit = { min: 0, max: 1 }

function signalOf(value: unknown): Signal | undefined {
  if (value !== undefined && !isSignal(value)) refuseType('signal', 'an AbortSignal', value)
  return value
}

function list(value: unknown, name: string): unknown[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : refuseType(name, 'a list', value)
}

function removal(value: unknown): string {
  const given = fields(value, 'remove', ['edges', 'nodes', 'inputs'])
  const place = (names: readonly string[]) => (kind: string) => (value: unknown, i: number) => {
    const at = fields(value, `remove.${kind}[${i}]`, names)
    return Object.fromEntries(names.map(name => [name, whole(at[name], `remove.${kind}[${i}].${name}`, { min: 0 })]))
  }
  return JSON.stringify({
    edges: list(given.edges, 'remove.edges').map(place(['layer', 'from', 'to'])('edges')),
    nodes: list(given.nodes, 'remove.nodes').map(place(['layer', 'node'])('nodes')),
    inputs: list(given.inputs, 'remove.inputs').map((input, i) => whole(input, `remove.inputs[${i}]`, { min: 0 })),
  })
}

/** What to prune, checked; `removal` or `json` is for native code. */
export interface PrunePlan {
  removal: string | undefined
  json: string
  threads: number
  signal: Signal | undefined
}

/** Checks the options of `prune`. */
export function prunePlan(value: unknown): PrunePlan {
  const names = ['threshold', 'keep', 'maxRise', 'remove']
  const given = fields(value, 'the options of prune', [...names, 'inputs', 'threads', 'signal'])
  const way = only(given, names, 'The options of prune')
  const inputs = optional(given.inputs, v => flag(v, 'inputs')) ?? false
  const until = {
    threshold: optional(given.threshold, v => finite(v, 'threshold', unit)),
    keep: optional(given.keep, v => whole(v, 'keep', { min: 1 })),
    maxRise: optional(given.maxRise, v => finite(v, 'maxRise', { min: 1 })),
  }
  return {
    removal: way === 'remove' ? removal(given.remove) : undefined,
    json: JSON.stringify({ until, inputs }),
    threads: optional(given.threads, threadCount) ?? 0,
    signal: signalOf(given.signal),
  }
}

/** Which inputs to prune, checked. */
export interface PruneInputsPlan {
  threshold: number | undefined
  keep: number | undefined
  /** What the native `prune` is to do where the loss is the judge. */
  json: string | undefined
  threads: number
  signal: Signal | undefined
}

/** Checks the options of `pruneInputs`. */
export function pruneInputsPlan(value: unknown): PruneInputsPlan {
  const ways = ['threshold', 'keep', 'maxRise']
  const given = fields(value, 'the options of pruneInputs', [...ways, 'threads', 'signal'])
  only(given, ways, 'The options of pruneInputs')
  const maxRise = optional(given.maxRise, v => finite(v, 'maxRise', { min: 1 }))
  return {
    threshold: optional(given.threshold, v => finite(v, 'threshold', unit)),
    keep: optional(given.keep, v => whole(v, 'keep', { min: 1 })),
    json: maxRise === undefined ? undefined : JSON.stringify({ until: { maxRise }, parts: 'inputs', inputs: true }),
    threads: optional(given.threads, threadCount) ?? 0,
    signal: signalOf(given.signal),
  }
}

/** Which inputs go, by their scores. */
export function idleInputs({ threshold, keep }: PruneInputsPlan, scores: readonly number[]): number[] {
  const order = scores.map((_, input) => input).sort((a, b) => scores[b]! - scores[a]! || a - b)
  const least = (threshold ?? 0) * Math.max(...scores)
  const idle = keep === undefined ? order.filter(input => scores[input]! < least) : order.slice(keep)
  return idle.sort((a, b) => a - b)
}

/** How to simplify, checked. */
export interface SimplifyPlan {
  json: string
  /** Options of the first training; `undefined` for none unless the model is new. */
  fit: FitOptions | undefined
  validation: unknown
  threads: number
  signal: Signal | undefined
  onStep: SimplifyOptions['onStep']
}

/** Checks the options of `simplify`. */
export function simplifyPlan(value: unknown): SimplifyPlan {
  const names = ['maxRise', 'grid', 'inputs', 'validation', 'fit', 'threads', 'signal', 'onStep']
  const given = fields(value, 'the options of simplify', names)
  const { validation, onStep } = given
  if (onStep !== undefined && typeof onStep !== 'function') refuseType('onStep', 'a function', onStep)
  const first = fields(given.fit, 'fit', Object.keys(given.fit ?? {})) as FitOptions
  for (const option of ['signal', 'threads', 'onStep'] as const) {
    if (first[option] === undefined) continue
    refuseType(`fit.${option}`, 'left out', described(first[option]), `Give ${option} beside fit.`)
  }
  if (typeof validation === 'number') finite(validation, 'validation', { above: 0, below: 1 })
  fitPlan(first)
  return {
    json: JSON.stringify({
      maxRise: optional(given.maxRise, v => finite(v, 'maxRise', { min: 1 })),
      grid: optional(given.grid, gridSchedule),
      inputs: optional(given.inputs, v => flag(v, 'inputs')),
    }),
    fit: given.fit === undefined ? undefined : first,
    validation,
    threads: optional(given.threads, threadCount) ?? 0,
    signal: signalOf(given.signal),
    onStep: onStep as SimplifyPlan['onStep'],
  }
}
