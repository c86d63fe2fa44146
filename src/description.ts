/**
 * What native code says about a model, and what the facade keeps in the model's metadata: how columns are encoded.
 */

import { type Encoding, frozen, isEncoding } from './data/encoding.js'
import { encodingFits, type ModelColumns } from './data/prediction.js'
import { KanError, native } from './errors.js'
import type { LossName } from './history.js'
import type { NativeModelHandle } from './native.js'
import type { Base, DType, KnotEnds, Outside } from './options.js'

/**
 * How columns become what the network sees: `x' = (x − mean) / scale`, one number for each input or output. For losses
 * of classes the targets are left as they are: mean 0, scale 1.
 */
export interface Scaler {
  /** Means of the inputs in the first training data, `[inputs]`. */
  readonly inputMean: readonly number[]
  /** Their standard deviations, 1 for a constant input, `[inputs]`. */
  readonly inputScale: readonly number[]
  /** Means of the targets, `[outputs]`. */
  readonly targetMean: readonly number[]
  /** Their standard deviations, `[outputs]`. */
  readonly targetScale: readonly number[]
}

/** A model in words and numbers. */
export interface Description {
  readonly layers: readonly number[]
  readonly grid: number
  readonly degree: number
  readonly knots: KnotEnds
  readonly outside: Outside
  readonly base: Base
  readonly dtype: DType
  readonly standardize: boolean
  readonly parameterCount: number
  readonly inputNames: readonly string[] | null
  readonly outputNames: readonly string[] | null
  readonly scaler: Scaler | null
  readonly fitted: boolean
  readonly loss: { readonly name: LossName } | null
  readonly resumable: boolean
  readonly steps: number
}

function describe(model: NativeModelHandle): Description {
  return JSON.parse(native(() => model.describe())) as Description
}

/** What the facade keeps about a model's columns. */
export interface Schema {
  encoding: Encoding | null
  classes: readonly string[] | null
}

/** The metadata text for a schema. */
export function writeSchema({ encoding, classes }: Schema): string {
  return encoding === null && classes === null ? '' : JSON.stringify({ version: 1, encoding, classes })
}

function refuseMetadata(reason: string): never {
  throw new KanError({
    code: 'ERR_KAN_FILE',
    message: `The description of the model's columns is damaged: ${reason}`,
    hint: 'Copy the file again or use an older checkpoint.',
    details: { kind: 'corrupt' },
  })
}

/** The schema in a model's metadata, which may come from a file of unknown origin. */
export function readSchema(text: string, inputs: number): Schema {
  if (text === '') return { encoding: null, classes: null }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    refuseMetadata('it is not JSON')
  }
  if (typeof value !== 'object' || value === null) refuseMetadata('it is not an object')
  const { version, encoding, classes } = value as Record<string, unknown>
  if (typeof version === 'number' && version > 1) {
    throw new KanError({
      code: 'ERR_KAN_FILE',
      message: `The description of the model's columns has version ${version}; this kanode reads up to version 1`,
      hint: 'Update kanode.',
      details: { kind: 'newer', expected: 1, found: version },
    })
  }
  if (version !== 1) refuseMetadata('it has no version')
  if (classes !== null && !(Array.isArray(classes) && classes.every(name => typeof name === 'string'))) {
    refuseMetadata('classes are not texts')
  }
  if (encoding === null) return { encoding, classes }
  if (!isEncoding(encoding) || !encodingFits(encoding, inputs)) refuseMetadata('the encoding does not fit the model')
  return { encoding: frozen(encoding), classes }
}

/** What the model knows about its columns. A model that was not fitted knows no more than how many there are. */
function columnsOf(about: Description, schema: Schema): ModelColumns {
  const size = { inputs: about.layers[0]!, outputs: about.layers.at(-1)! }
  if (!about.fitted) return { ...size, inputNames: null, outputNames: null, encoding: null, classes: null }
  const { inputNames, outputNames } = about
  return { ...size, inputNames, outputNames, encoding: schema.encoding, classes: schema.classes }
}

/** What native code says about a model, and what the model knows about its columns. */
export function learn(model: NativeModelHandle): [Description, ModelColumns] {
  const about = describe(model)
  const schema = readSchema(
    native(() => model.metadata()),
    about.layers[0]!,
  )
  return [about, columnsOf(about, schema)]
}
