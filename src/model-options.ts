/**
 * The options of what a model does besides training.
 */

import { threadCount } from './fit-options.js'
import { optional } from './options.js'
import { fields, flag } from './validate.js'

/** What to keep in a model file. */
export interface SaveOptions {
  /** Whether to keep what is needed to go on training with the same bits (`resume: true`); `false` unless given. */
  optimizerState?: boolean | undefined
}

/** How to compute. */
export interface ComputeOptions {
  /** Number of threads; one for each core unless given. The result does not depend on it. */
  threads?: number | undefined
}

/** Whether a file gets the state of the optimiser. */
export function keepsState(options: SaveOptions): boolean {
  const { optimizerState } = fields(options, 'the options of saving', ['optimizerState'])
  return optional(optimizerState, value => flag(value, 'optimizerState')) ?? false
}

/** A number of threads; 0 stands for the usual one. */
export function threadsOf(options: ComputeOptions): number {
  const { threads } = fields(options, 'the options', ['threads'])
  return optional(threads, threadCount) ?? 0
}
