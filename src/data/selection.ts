/**
 * Data for a model whose inputs were pruned: it may have the columns that the first model had, of which those that are
 * left are taken.
 */

import { narrowed } from './encoding.js'
import type { ModelColumns } from './prediction.js'
import type { Block } from './rows.js'
import type { DatasetParts } from './table.js'

/** Some columns of a block `[rows, width]`. */
function picked(x: Float64Array, width: number, places: readonly number[]): Float64Array {
  const rows = x.length / width
  const out = new Float64Array(rows * places.length)
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < places.length; i++) out[row * places.length + i] = x[row * width + places[i]!]!
  }
  return out
}

/** Which columns of named data are a model's inputs; `undefined` if some are not there. */
function placesByName(parts: Readonly<DatasetParts>, columns: ModelColumns): number[] | undefined {
  if (!parts.named || columns.inputNames === null) return undefined
  const places = columns.inputNames.map(name => parts.featureNames.indexOf(name))
  return places.some((place, i) => place < 0 || (i > 0 && place <= places[i - 1]!)) ? undefined : places
}

/** The data without the columns of inputs that were pruned; all else is left for later checks to refuse. */
export function chosenFeatures(parts: Readonly<DatasetParts>, columns: ModelColumns): Readonly<DatasetParts> {
  const { first, inputs, inputNames } = columns
  if (first === undefined || parts.features !== first.width || parts.features === inputs) return parts
  const places = parts.named && inputNames !== null ? placesByName(parts, columns) : first.ids
  if (places === undefined) return parts
  return {
    ...parts,
    features: places.length,
    x: picked(parts.x, parts.features, places),
    featureNames: places.map(place => parts.featureNames[place]!),
    encoding: parts.encoding === null ? null : narrowed(parts.encoding, places),
  }
}

/** How many columns rows without names are to have: as many as the first model took, if that is what they have. */
export function expectedWidth(found: number | undefined, { first, inputs }: ModelColumns): number {
  return first !== undefined && found === first.width ? first.width : inputs
}

/** A block of rows of {@link expectedWidth}, without the columns of inputs that were pruned. */
export function chosenColumns({ data, rows }: Block, width: number, { first, inputs }: ModelColumns): Float64Array {
  return width === inputs || first === undefined || rows === 0 ? data : picked(data, width, first.ids)
}
