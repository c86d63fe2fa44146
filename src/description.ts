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
  /** Arities of product nodes, for each layer of edges; no lists if there are none. */
  readonly products: readonly (readonly number[])[]
  /** For each layer of edges the numbers `from·sums + to` of those that are pruned. */
  readonly pruned: readonly (readonly number[])[]
  /** Number of edges that are formulas. */
  readonly formulas: number
  readonly inputIds: readonly number[]
  readonly layersDetail: readonly { readonly inputs: number; readonly outputs: number }[]
}

function describe(model: NativeModelHandle): Description {
  return JSON.parse(native(() => model.describe())) as Description
}

/** What the facade keeps about a model's columns. */
export interface Schema {
  encoding: Encoding | null
  classes: readonly string[] | null
  /** What logits are divided by for probabilities; `undefined` before a calibration. */
  temperature?: number | undefined
  /** How many columns the first model took, of a model whose inputs were pruned. */
  width?: number | undefined
}

/** The metadata text for a schema. */
export function writeSchema({ encoding, classes, temperature, width }: Schema): string {
  if (encoding === null && classes === null && temperature === undefined && width === undefined) return ''
  return JSON.stringify({ version: 1, encoding, classes, temperature, width })
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
  const { version, encoding, classes, temperature, width } = value as Record<string, unknown>
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
  if (
    temperature !== undefined &&
    !(typeof temperature === 'number' && temperature > 0 && temperature < Number.POSITIVE_INFINITY)
  ) {
    refuseMetadata('the temperature is not a positive number')
  }
  if (width !== undefined && !(Number.isSafeInteger(width) && (width as number) > inputs)) {
    refuseMetadata('the number of columns before pruning is not larger than the number of inputs')
  }
  const others = {
    ...(temperature === undefined ? {} : { temperature }),
    ...(width === undefined ? {} : { width: width as number }),
  }
  if (encoding === null) return { encoding, classes, ...others }
  if (!isEncoding(encoding) || !encodingFits(encoding, inputs)) refuseMetadata('the encoding does not fit the model')
  return { encoding: frozen(encoding), classes, ...others }
}

/** What the model knows about its columns. A model that was not fitted knows no more than how many there are. */
function columnsOf(about: Description, schema: Schema): ModelColumns {
  const size = { inputs: about.layers[0]!, outputs: about.layers.at(-1)! }
  if (!about.fitted) return { ...size, inputNames: null, outputNames: null, encoding: null, classes: null }
  const { inputNames, outputNames, inputIds } = about
  const { width, ...known } = schema
  const first = width === undefined || inputIds.some(id => id >= width) ? {} : { first: { width, ids: inputIds } }
  return { ...size, inputNames, outputNames, ...known, ...first }
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
