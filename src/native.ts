/**
 * Loads the native binding, once, and ends its threads when the process exits.
 */

import { loadBinding } from './loader/binding.js'

const binding = loadBinding()

// Node runs clean-up hooks of the binding in worker threads only; this is the main thread's.
process.on('exit', () => {
  binding.shutdown()
})

export const NativeFormula = binding.NativeFormula
export const NativeModel = binding.NativeModel
export const NativeSearch = binding.NativeSearch
export const NativeTable = binding.NativeTable
export const nativeAdapters = binding.adapters
export const familyNames = binding.familyNames
export const modelOfFormula = binding.modelOfFormula
export const nativeRuntime = binding.runtime
export type {
  NativeData,
  NativeFormula as NativeFormulaHandle,
  NativeModel as NativeModelHandle,
  NativeOutcome,
  NativeTerm,
} from './native.cjs'
