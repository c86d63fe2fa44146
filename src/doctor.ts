/**
 * What computes on this machine, and a trial of it: a small network on the processor and on the graphics processor.
 */

import { availableParallelism } from 'node:os'
import { KanError } from './errors.js'
import { Kan } from './model.js'
import { type Adapter, adapters, runtime } from './runtime.js'

/** Largest difference between both devices, relative to the largest output: many times what rounding makes. */
const TOLERANCE = 1e-4

/** What there is to say, and whether what was tried did what it should. */
export interface Diagnosis {
  readonly lines: string[]
  readonly sound: boolean
}

/** Looks at this machine; this loads the drivers of its graphics processors. */
export async function doctor(): Promise<Diagnosis> {
  const { version, backend, threads } = runtime()
  const found = adapters()
  const { line, sound } = await trial()
  const lines = [
    `kanode       ${version}`,
    `Node.js      ${process.version}`,
    `platform     ${process.platform} ${process.arch}`,
    `cores        ${availableParallelism()}, ${threads} used`,
    `processor    ${backend}`,
    ...(found.length === 0 ? ['adapters     none'] : found.map(told)),
    `GPU          ${line}`,
  ]
  return { lines, sound }
}

function told({ name, type, api, driver, limits }: Adapter): string {
  const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`
  return `adapter      ${name} (${type}, ${api}${driver === '' ? '' : `, ${driver}`}), ${gib(limits.bindingBytes)} a binding`
}

/** Trains and predicts on both devices. */
async function trial(): Promise<{ line: string; sound: boolean }> {
  const x = Array.from({ length: 64 }, (_, i) => [Math.sin(i), Math.cos(2 * i)])
  const y = x.map(([a, b]) => a! * b!)
  const trained = async (device: 'cpu' | 'gpu') => {
    const model = new Kan({ layers: [2, 5, 1], dtype: 'f32' })
    await model.fit({ x, y }, { optimizer: 'adam', steps: 20, device })
    const outputs = await model.predict(x, { device })
    model.dispose()
    return outputs.map(row => row[0]!)
  }
  try {
    const [ours, theirs] = [await trained('cpu'), await trained('gpu')]
    const largest = Math.max(...ours.map(Math.abs))
    const difference = Math.max(...ours.map((value, i) => Math.abs(value - theirs[i]!))) / largest
    const sound = difference <= TOLERANCE
    const verdict = sound ? 'agrees' : 'DISAGREES'
    return { line: `tried, ${verdict} with the processor (difference ${difference.toExponential(1)})`, sound }
  } catch (error) {
    if (!(error instanceof KanError)) throw error
    // Nothing is wrong with a machine that has none.
    const absent =
      error.code === 'ERR_KAN_DEVICE' && ['none', 'software', 'feature'].includes(String(error.details.kind))
    return { line: `${absent ? 'not tried' : 'FAILED'}: ${error.message.split('\n')[0]}`, sound: absent }
  }
}
