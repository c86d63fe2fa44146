/**
 * One running fit: hands records to callbacks, stops it for a signal or a callback that throws, and settles when the
 * native outcome does. Records arrive when the event loop has time; nothing depends on their arriving.
 */

import { Callbacks } from './callbacks.js'
import { fromNativeText, KanAbortError, KanError, native } from './errors.js'
import type { LossName, TrainingHistory, TrainingProgress, TrainingRecord } from './history.js'
import type { NativeData, NativeModelHandle, NativeOutcome } from './native.js'
import { historyFrom, progressFrom, recordFrom } from './report.js'
import { onAbort, type Signal } from './signal.js'

/** How many records wait for whoever is slower than the fit; native code keeps as many. */
export const mostWaiting = 256

/** What a report has at least. */
interface Recorded {
  readonly records: readonly TrainingRecord[]
}

/** How to follow a fit, whatever it reports at the end. */
export interface Listening<History extends Recorded> {
  model: NativeModelHandle
  /** The history in a native report. */
  read: (report: unknown) => History
  signal: Signal | undefined
  /** Receives records at once, the last one always. */
  push: ((record: TrainingRecord) => void) | undefined
  /** Receives records, the last one always; may return a promise. */
  onStep: ((record: TrainingRecord) => unknown) | undefined
  /** Receives progress; may return a promise. */
  onProgress: ((progress: TrainingProgress) => unknown) | undefined
  /** What a native error is to the user, if not itself. */
  translate: (error: Error) => Error
}

/** A fit to start. */
export interface Job extends Omit<Listening<TrainingHistory>, 'read'> {
  data: NativeData
  validation: NativeData | null
  /** JSON of the options. */
  options: string
  lossName: LossName
}

/** A fit that runs. */
export interface Running<History = TrainingHistory> {
  /**
   * Resolves to what was done; rejects with whatever ended the fit first: a callback's error, an abort, a native
   * error. The last two have what was done in `details.history`.
   */
  readonly done: Promise<History>
  /** Asks it to stop; `done` then resolves with what was done so far. */
  cancel(): void
}

/** What native code sends during a fit. */
interface Events {
  readonly records: readonly unknown[]
  readonly progress: unknown
}

/** What came of a fit: a history, an error, or both. */
interface Ended<History> {
  history?: History
  error?: Error
}

async function ended<History>(
  outcome: Promise<NativeOutcome>,
  read: (report: unknown) => History,
): Promise<Ended<History>> {
  const end: Ended<History> = {}
  try {
    const { ok, error, report } = await outcome
    if (report !== undefined) end.history = read(JSON.parse(report))
    if (!ok || end.history === undefined) {
      end.error = fromNativeText(error ?? 'The fit has no report', undefined, historyOf(end))
    }
  } catch (error) {
    // Not even a TypeError is the user's here.
    end.error = error instanceof KanError ? error : fromNativeText(String(error), error)
  }
  return end
}

function historyOf<History>({ history }: Ended<History>): { history?: History } {
  return history === undefined ? {} : { history }
}

/** Calls native code, from a scope of its own: a closure that lives as long as the fit would keep the data alive. */
function launch({ model, data, validation, options }: Job, onEvent: (json: string) => void): Promise<NativeOutcome> {
  return native(() => model.fit(data, validation, options, onEvent))
}

/** Made here for the same reason. */
function historyReader(lossName: LossName): (report: unknown) => TrainingHistory {
  return report => historyFrom(report, lossName)
}

/**
 * Starts a fit. All inputs are copied before it returns.
 *
 * @throws {@link KanAbortError} if the signal is already aborted, and what native code refuses at once.
 */
export function start(job: Job): Running {
  return listen(onEvent => launch(job, onEvent), { ...job, read: historyReader(job.lossName) })
}

/**
 * Starts whatever `begin` starts, and follows it. `begin` and what it holds are not kept.
 *
 * @throws As {@link start}.
 */
export function listen<History extends Recorded>(
  begin: (onEvent: (json: string) => void) => Promise<NativeOutcome>,
  job: Listening<History>,
): Running<History> {
  const { model, read, signal, push, translate } = job
  if (signal?.aborted) throw new KanAbortError(signal.reason)
  const cancel = () => model.cancel()
  const callbacks = new Callbacks(cancel)
  const [onStep, onProgress] = [callbacks.add(job.onStep), callbacks.add(job.onProgress)]
  let last = -1
  let over = false
  const hear = (records: readonly TrainingRecord[]) => {
    for (const record of records) {
      if (callbacks.closed) return
      last = record.step
      push?.(record)
      onStep(record)
    }
  }
  const onEvent = (json: string) => {
    if (over) return
    const { records, progress } = JSON.parse(json) as Events
    hear(records.map(recordFrom))
    if (progress !== null) onProgress(progressFrom(progress))
  }
  const outcome = begin(onEvent)
  const forget =
    signal &&
    onAbort(signal, () => {
      callbacks.close()
      cancel()
    })
  const settle = async () => {
    try {
      const end = await ended(outcome, read)
      over = true
      const records = end.error === undefined ? end.history?.records : undefined
      hear(records?.filter(record => record.step > last).slice(-mostWaiting) ?? [])
      await callbacks.finish()
      if (signal?.aborted) throw new KanAbortError(signal.reason, historyOf(end))
      if (end.error !== undefined) throw translate(end.error)
      return end.history!
    } finally {
      forget?.()
    }
  }
  return { done: settle(), cancel }
}
