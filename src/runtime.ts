/**
 * What computes on this machine.
 */

import { native } from './errors.js'
import { nativeRuntime } from './native.js'

/** What computes: version of the package, backend with its instruction set, and number of threads. */
export interface Runtime {
  readonly version: string
  readonly backend: string
  readonly threads: number
}

/**
 * What computes on this machine. The environment variables `KANODE_THREADS` and `KANODE_ISA` choose otherwise.
 *
 * @throws {@link KanError} `ERR_KAN_MACHINE` if they ask for what the machine doesn't have.
 */
export function runtime(): Runtime {
  return JSON.parse(native(nativeRuntime)) as Runtime
}
