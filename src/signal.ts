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
