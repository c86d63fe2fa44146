/**
 * The little of `AbortSignal` that this package uses, declared here so that its types need neither Node's nor the
 * browser's.
 */

/** An `AbortSignal`, or anything that works like one. */
export interface Signal {
  readonly aborted: boolean
  readonly reason?: unknown
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** Whether a value works like an `AbortSignal`. */
export function isSignal(value: unknown): value is Signal {
  if (typeof value !== 'object' || value === null) return false
  const { aborted, addEventListener, removeEventListener } = value as Record<string, unknown>
  return (
    typeof aborted === 'boolean' && typeof addEventListener === 'function' && typeof removeEventListener === 'function'
  )
}

/** Everything that waits for one signal, behind a single listener: Node warns of more than ten on a signal. */
interface Waiting {
  readonly acts: Set<() => void>
  readonly listener: () => void
}

const waiting = new WeakMap<Signal, Waiting>()

function listenTo(signal: Signal): Waiting {
  const acts = new Set<() => void>()
  const listener = () => {
    for (const act of [...acts]) act()
  }
  const all = { acts, listener }
  waiting.set(signal, all)
  signal.addEventListener('abort', listener, { once: true })
  return all
}

/**
 * Calls `act` when the signal is aborted.
 *
 * @returns Takes the call back; the signal has no listener once nothing waits for it.
 */
export function onAbort(signal: Signal, act: () => void): () => void {
  const { acts, listener } = waiting.get(signal) ?? listenTo(signal)
  acts.add(act)
  return () => {
    acts.delete(act)
    if (acts.size > 0 || waiting.get(signal)?.acts !== acts) return
    waiting.delete(signal)
    signal.removeEventListener('abort', listener)
  }
}
