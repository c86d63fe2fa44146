/**
 * What computes on this machine.
 */

import { native } from './errors.js'
import { nativeAdapters, nativeRuntime } from './native.js'

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

/** A graphics processor, or a program that pretends to be one. */
export interface Adapter {
  /** Name, as the driver gives it. */
  readonly name: string
  /** What kind of device it is; `'cpu'` is a program that pretends to be one, which is used only if it is named. */
  readonly type: 'discrete' | 'integrated' | 'virtual' | 'cpu' | 'other'
  /** How it is spoken to. */
  readonly api: 'vulkan' | 'metal' | 'dx12'
  /** Name and version of the driver, where it says. */
  readonly driver: string
  /** Bytes of the largest part of a layer that it can compute with, and of its largest buffer. */
  readonly limits: { readonly bindingBytes: number; readonly bufferBytes: number }
  /** Whether it can time its own work. */
  readonly timestamps: boolean
}

/**
 * The graphics processors of this machine; none where there is no driver. This loads the drivers, which nothing else
 * does before a device is asked for. `device: 'gpu'` takes a discrete one before an integrated one; the environment
 * variable `KANODE_ADAPTER` chooses otherwise, by a part of its name.
 */
export function adapters(): Adapter[] {
  return JSON.parse(native(nativeAdapters)) as Adapter[]
}
