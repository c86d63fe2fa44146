/**
 * One running simplification: hands records to a callback, and stops when that throws.
 */

import { Callbacks } from './callbacks.js'
import { native } from './errors.js'
import type { NativeOutcome } from './native.js'
import type { SimplifyOptions } from './prune-options.js'
import { recordFrom } from './report.js'

/** Waits for the work that `begin` starts, and for what the callback returns. */
export async function simplifySteps(
  begin: (hear: (json: string) => void) => Promise<NativeOutcome>,
  cancel: () => void,
  onStep: SimplifyOptions['onStep'],
): Promise<NativeOutcome> {
  const callbacks = new Callbacks(cancel)
  const step = callbacks.add(onStep)
  const outcome = await native(() =>
    begin(json => {
      const { records } = JSON.parse(json) as { records: unknown[] }
      for (const record of records) step(recordFrom(record))
    }),
  )
  await callbacks.finish()
  return outcome
}
