/**
 * Several fits side by side: as many at a time as there are threads, each on one thread; the first that fails, or a
 * signal, stops all.
 */

import { KanAbortError, KanTypeError } from './errors.js'
import { type FitOptions, fitPlan, threadCount } from './fit-options.js'
import { optional } from './options.js'
import { runtime } from './runtime.js'
import { isSignal, onAbort, type Signal } from './signal.js'
import { type Fields, ownFields, refuseType } from './validate.js'

/** How to train each of several models: as for a single one, without what would collide. */
export interface ManyFitOptions
  extends Omit<FitOptions, 'checkpoint' | 'resume' | 'onStep' | 'onProgress' | 'threads' | 'signal'> {
  /** How many models are trained at a time, each on one thread; one for each core unless given. */
  threads?: number | undefined
  /** Stops all fits when it is aborted; the promise rejects with an `AbortError`. */
  signal?: Signal | undefined
}

/** Options for several fits, checked. */
export interface ManyFits {
  /** Options of the caller's own. */
  readonly own: Fields
  /** What every fit gets, `seed` included. */
  readonly fit: FitOptions
  readonly threads: number
  readonly signal: Signal | undefined
}

const colliding: readonly string[] = ['checkpoint', 'resume', 'onStep', 'onProgress']

/**
 * Takes options of many fits apart.
 *
 * @param names The caller's own options.
 * @throws `TypeError` and `RangeError` for options.
 */
export function manyFits(value: unknown, name: string, names: readonly string[]): ManyFits {
  const given = value === undefined ? {} : ownFields(value, name)
  const option = colliding.find(one => given[one] !== undefined)
  if (option !== undefined) {
    throw new KanTypeError({
      code: 'ERR_KAN_OPTION',
      message: `Option '${option}' is not for several models at once`,
      hint: `${name} takes ${names.join(', ')} and the other options of fit.`,
      details: { option },
    })
  }
  const { threads, signal, ...rest } = given
  const own = Object.fromEntries(names.map(key => [key, given[key]]))
  const fit = Object.fromEntries(Object.entries(rest).filter(([key]) => !names.includes(key))) as FitOptions
  fitPlan(fit)
  if (signal !== undefined && !isSignal(signal)) refuseType('signal', 'an AbortSignal', signal)
  return { own, fit, threads: optional(threads, threadCount) ?? runtime().threads, signal }
}

/**
 * Runs tasks, at most `threads` at a time, in their order. The first failure aborts the signal that the others have;
 * when all have ended it is thrown.
 *
 * @throws {@link KanAbortError} when `signal` is aborted, else what the first task to fail threw.
 */
export async function runAll<T>(
  tasks: readonly ((signal: Signal) => Promise<T>)[],
  { threads, signal }: Pick<ManyFits, 'threads' | 'signal'>,
): Promise<T[]> {
  if (signal?.aborted) throw new KanAbortError(signal.reason)
  const controller = new AbortController()
  const results: T[] = []
  let failure: { readonly error: unknown } | undefined
  let next = 0
  const fail = (error: unknown) => {
    failure ??= { error }
    controller.abort()
  }
  const work = async () => {
    while (failure === undefined && next < tasks.length) {
      const index = next++
      try {
        results[index] = await tasks[index]!(controller.signal)
      } catch (error) {
        fail(error)
      }
    }
  }
  const forget = signal && onAbort(signal, () => fail(new KanAbortError(signal.reason)))
  try {
    await Promise.all(Array.from({ length: Math.min(threads, tasks.length) }, work))
  } finally {
    forget?.()
  }
  // Assigned in callbacks, which the compiler does not follow.
  const failed = failure as { readonly error: unknown } | undefined
  if (failed !== undefined) throw failed.error
  return results
}
