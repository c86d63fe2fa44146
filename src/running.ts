/**
 * One running fit: hands records to a callback, stops it for a signal or a callback that throws, and settles when the
 * native outcome does. Records arrive when the event loop has time; nothing depends on their arriving.
 */

import { fromNativeText, KanAbortError, native } from './errors.js'
import type { NativeData, NativeModelHandle } from './native.js'
import type { Signal } from './signal.js'

/** A fit to start. */
export interface Job<Result> {
  model: NativeModelHandle
  data: NativeData
  validation: NativeData | null
  /** JSON of the options. */
  options: string
  signal: Signal | undefined
  /** Receives the JSON value of each record; may return a promise. */
  onRecord: (record: unknown) => unknown
  /** What becomes of the report's JSON value. */
  read: (report: unknown) => Result
  /** Receives the result; may return a promise. Not called when the fit was aborted or failed. */
  atEnd: (result: Result) => unknown
}

/** A fit that runs. */
export interface Running<Result> {
  /**
   * Resolves to what was done; rejects with the first of: a callback's error, an abort, a native error. The last two
   * have what was done in `details.history`.
   */
  readonly done: Promise<Result>
  /** Asks it to stop; `done` then resolves with what was done so far. */
  cancel(): void
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

/** Calls callbacks until one fails; a failure, also a later one of a promise that was returned, stops the fit. */
class Callbacks {
  #failure: { error: unknown } | undefined
  readonly #pending = new Set<PromiseLike<void>>()
  readonly #stop: () => void

  constructor(stop: () => void) {
    this.#stop = stop
  }

  call<Value>(callback: (value: Value) => unknown, value: Value): void {
    if (this.#failure !== undefined) return
    try {
      const result = callback(value)
      if (!isThenable(result)) return
      const settled = result.then(
        () => void this.#pending.delete(settled),
        error => {
          this.#pending.delete(settled)
          this.#fail(error)
        },
      )
      this.#pending.add(settled)
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.#stop()
  }

  /** Waits for returned promises; throws the first failure. */
  async finish(): Promise<void> {
    await Promise.all(this.#pending)
    if (this.#failure !== undefined) throw this.#failure.error
  }
}

/**
 * Starts a fit. All inputs are copied before it returns.
 *
 * @throws {@link KanAbortError} if the signal is already aborted, and what native code refuses at once.
 */
export function start<Result>(job: Job<Result>): Running<Result> {
  const { model, signal } = job
  if (signal?.aborted) throw new KanAbortError(signal.reason)
  const cancel = () => model.cancel()
  const callbacks = new Callbacks(cancel)
  const onEvent = (json: string) => {
    if (signal?.aborted) return
    for (const record of JSON.parse(json) as unknown[]) callbacks.call(job.onRecord, record)
  }
  const outcome = native(() => model.fit(job.data, job.validation, job.options, onEvent))
  signal?.addEventListener('abort', cancel, { once: true })
  const settle = async () => {
    try {
      const { ok, error, report } = await outcome
      const result = report === undefined ? undefined : job.read(JSON.parse(report))
      const aborted = signal?.aborted === true
      if (ok && !aborted && result !== undefined) callbacks.call(job.atEnd, result)
      await callbacks.finish()
      const details = result === undefined ? {} : { history: result }
      if (aborted) throw new KanAbortError(signal.reason, details)
      if (!ok || result === undefined) throw fromNativeText(error ?? 'The fit has no report', undefined, details)
      return result
    } finally {
      signal?.removeEventListener('abort', cancel)
    }
  }
  return { done: settle(), cancel }
}

/**
 * Yields values as they are pushed, and after the end those that `rest` adds. Leaving the loop early cancels.
 *
 * @param begin Starts the work; receives where to push values.
 * @param rest Values that are due after the end, given the result and the last value that was yielded.
 */
export async function* stream<Value, Result>(
  begin: (push: (value: Value) => void) => { done: Promise<Result>; cancel(): void },
  rest: (result: Result, last: Value | undefined) => Iterable<Value>,
): AsyncGenerator<Value, Result, void> {
  const queue: Value[] = []
  let finished = false
  let wake = () => {}
  const running = begin(value => {
    queue.push(value)
    wake()
  })
  const end = () => {
    finished = true
    wake()
  }
  running.done.then(end, end)
  let last: Value | undefined
  try {
    while (true) {
      for (let value = queue.shift(); value !== undefined; value = queue.shift()) {
        last = value
        yield value
      }
      if (finished) break
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
    const result = await running.done
    yield* rest(result, last)
    return result
  } finally {
    if (!finished) {
      running.cancel()
      await running.done.catch(() => {})
    }
  }
}
