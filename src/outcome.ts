/**
 * What promises of native code resolve to: they never reject, failures are in the outcome.
 */

import { fromNativeText } from './errors.js'
import type { NativeOutcome } from './native.js'

/** The outcome of work that was done; throws what went wrong. */
export function settled(outcome: NativeOutcome): NativeOutcome {
  const error = failure(outcome)
  if (error !== undefined) throw error
  return outcome
}

/** What went wrong, if anything. */
export function failure({ ok, error }: NativeOutcome): Error | undefined {
  return ok ? undefined : fromNativeText(error ?? 'The work failed without a reason')
}
