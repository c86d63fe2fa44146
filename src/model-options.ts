/**
 * The options of what a model does besides training.
 */

import { type Device, deviceOf, threadCount } from './fit-options.js'
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
  /**
   * What computes, `'cpu'` unless given. `'gpu'` is a graphics processor, for models of dtype `'f32'`; `'auto'` takes it
   * where one is there and a short measurement, once in a process, says that it is faster.
   */
  device?: Device | undefined
}

/** Whether a file gets the state of the optimiser. */
export function keepsState(options: SaveOptions): boolean {
  const { optimizerState } = fields(options, 'the options of saving', ['optimizerState'])
  return optional(optimizerState, value => flag(value, 'optimizerState')) ?? false
}

/** Where to compute: a number of threads, 0 for the usual one, and a device. */
export function computeOf(options: ComputeOptions): { threads: number; device: Device } {
  const { threads, device } = fields(options, 'the options', ['threads', 'device'])
  return { threads: optional(threads, threadCount) ?? 0, device: optional(device, deviceOf) ?? 'cpu' }
}
