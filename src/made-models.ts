/**
 * How models that native code made become models for users: the class that wraps them stands above all that make some.
 */

import type { Kan } from './model.js'
import type { NativeModelHandle } from './native.js'

/** Wraps a native model. */
export let modelOver: (native: NativeModelHandle) => Kan

/** Says how native models are wrapped. */
export function wrapModels(wrap: (native: NativeModelHandle) => Kan): void {
  modelOver = wrap
}
