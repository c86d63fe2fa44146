/**
 * Calls a user's callbacks during a fit, each one call at a time: a promise that a callback returns is waited for
 * before it is called again, with the newest of the values that came in the meantime.
 */

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (typeof value === 'object' || typeof value === 'function') && value !== null && 'then' in value
}

/** One callback. */
class Listener<Value> {
  readonly #callback: (value: Value) => unknown
  readonly #callbacks: Callbacks
  #pending: Promise<void> | undefined
  #newest: { value: Value } | undefined

  constructor(callback: (value: Value) => unknown, callbacks: Callbacks) {
    this.#callback = callback
    this.#callbacks = callbacks
  }

  hear(value: Value): void {
    if (this.#callbacks.closed) return
    if (this.#pending !== undefined) {
      this.#newest = { value }
      return
    }
    try {
      const result = this.#callback(value)
      if (!isThenable(result)) return
      const next = () => this.#next()
      this.#pending = Promise.resolve(result).then(next, error => {
        this.#callbacks.fail(error)
        next()
      })
    } catch (error) {
      this.#callbacks.fail(error)
    }
  }

  #next(): void {
    this.#pending = undefined
    const newest = this.#newest
    this.#newest = undefined
    if (newest !== undefined) this.hear(newest.value)
  }

  async idle(): Promise<void> {
    while (this.#pending !== undefined) await this.#pending
  }
}

/** The callbacks of one fit, until one of them fails or nobody wants to hear more. */
export class Callbacks {
  readonly #onFailure: () => void
  readonly #listeners: { idle(): Promise<void> }[] = []
  readonly #abandoned: Promise<void>
  #abandon = () => {}
  #failure: { readonly error: unknown } | undefined
  #closed = false

  /** @param onFailure Called when a callback has thrown, or its promise was rejected. */
  constructor(onFailure: () => void) {
    this.#onFailure = onFailure
    this.#abandoned = new Promise(resolve => {
      this.#abandon = resolve
    })
  }

  /** Whether callbacks are called no more. */
  get closed(): boolean {
    return this.#closed
  }

  /** Adds a callback, or nothing; returns the way to call it. */
  add<Value>(callback: ((value: Value) => unknown) | undefined): (value: Value) => void {
    if (callback === undefined) return () => {}
    const listener = new Listener(callback, this)
    this.#listeners.push(listener)
    return value => listener.hear(value)
  }

  /** Records a failure, if it is the first thing to end the fit. */
  fail(error: unknown): void {
    if (this.#closed) return
    this.#closed = true
    this.#failure = { error }
    this.#onFailure()
  }

  /** No more calls, and no more waiting for promises that were returned. */
  close(): void {
    this.#closed = true
    this.#abandon()
  }

  /** Waits for returned promises; throws the failure, if there was one. */
  async finish(): Promise<void> {
    await Promise.race([this.#abandoned, Promise.all(this.#listeners.map(listener => listener.idle()))])
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
