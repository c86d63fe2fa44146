/**
 * The options of a model: types, defaults, checks, and the JSON that native code reads.
 */

import { described, KanRangeError } from './errors.js'
import { choice, fields, flag, interval, refuseRange, refuseType, whole } from './validate.js'

/** Whether knots pile up at the ends of the domain (`'clamped'`) or go on beyond them (`'extended'`). */
export type KnotEnds = 'clamped' | 'extended'

/**
 * What splines do outside their domain: go on straight, keep their value at the end, or fall to zero (at once with
 * clamped knots, over `degree` intervals with extended ones).
 */
export type Outside = 'linear' | 'constant' | 'zero'

/** The function that base weights scale: `x / (1 + e^-x)`, `x`, or `0`. */
export type Base = 'silu' | 'identity' | 'zero'

/**
 * How control points and base weights start; spline weights start at 1. All are normal with mean 0, drawn from the
 * seed. `I` and `O` are a layer's inputs and outputs, and `Z = I·(grid + degree + 1)`.
 *
 * - `'noise'`: control points with standard deviation 0.1, as in `'paper'`, base weights with `Z^-1.75`, as in
 *   `'power'`: a small start well inside a wide hidden grid, chosen by kanode's own trials.
 * - `'power'`: control points `Z^-0.25`, base weights `Z^-1.75`, from the power-law family of Rigas et al. 2025,
 *   "Initialization schemes for Kolmogorov–Arnold networks" (arXiv 2509.03417), with exponents of kanode's trials.
 * - `'glorot'`: variance kept forwards and backwards, by the harmonic mean of both (Rigas et al. 2025).
 * - `'lecun'`: variance kept forwards, outputs of second moment 1 (Rigas et al. 2025).
 * - `'paper'`: control points 0.1, base weights `√(2/(I+O))`, as in the KAN paper (Liu et al. 2024, arXiv 2404.19756,
 *   section 2.2).
 */
export type Init = 'noise' | 'power' | 'glorot' | 'lecun' | 'paper'

/** Numbers of 64 bits (exact as JavaScript's) or 32 bits (half the memory, about twice the speed). */
export type DType = 'f64' | 'f32'

/**
 * The nodes of a layer: sums of edges, and products of such sums (Liu et al. 2024, "KAN 2.0", arXiv 2408.10205).
 * `{ sums: 3, products: [2, 2] }` has five nodes: three sums, then two products, each of two further sums.
 */
export interface LayerOptions {
  /** Number of nodes that are sums, at least 0; 0 unless given. */
  sums?: number | undefined
  /** For each node that is a product the number of its factors, at least 2. */
  products: readonly number[]
}

/** Options of a new model. */
export interface KanOptions {
  /**
   * Number of inputs, of nodes in each hidden layer, and of outputs: `[2, 5, 1]`; or with nodes that multiply:
   * `[2, { sums: 3, products: [2, 2] }, 1]`.
   */
  layers: readonly (number | LayerOptions)[]
  /** Grid intervals of each edge's spline, 1 to 4096; 5 unless given. */
  grid?: number | undefined
  /** Degree of the splines, 1 to 5; 3 (cubic) unless given. */
  degree?: number | undefined
  /** `'clamped'` unless given. */
  knots?: KnotEnds | undefined
  /** `'linear'` unless given. */
  outside?: Outside | undefined
  /** `'silu'` unless given. */
  base?: Base | undefined
  /** `'noise'` unless given. */
  init?: Init | undefined
  /**
   * Domain of the first layer's splines, in the coordinates that the layer sees: standardised ones with `standardize`.
   * Unless given `[-1, 1]` until the first fit, then each input's range in the data.
   */
  domain?: readonly [a: number, b: number] | undefined
  /** Domain of the splines of all other layers; `[-3, 3]` unless given. */
  hiddenDomain?: readonly [a: number, b: number] | undefined
  /** Seed of the first parameters, a whole number from 0 to 2^53 − 1; 0 unless given. */
  seed?: number | undefined
  /** Whether the first fit scales inputs and targets to mean 0 and standard deviation 1; `true` unless given. */
  standardize?: boolean | undefined
  /** `'f64'` unless given. */
  dtype?: DType | undefined
}

const optionNames = [
  'layers',
  'grid',
  'degree',
  'knots',
  'outside',
  'base',
  'init',
  'domain',
  'hiddenDomain',
  'seed',
  'standardize',
  'dtype',
]

function layerOf(value: unknown, index: number): { nodes: number; products: number[] } {
  const name = `layers[${index}]`
  if (typeof value !== 'object' || value === null || index === 0) {
    return { nodes: whole(value, name, { min: 1 }), products: [] }
  }
  const given = fields(value, name, ['sums', 'products'])
  const sums = optional(given.sums, v => whole(v, `${name}.sums`, { min: 0 })) ?? 0
  if (!Array.isArray(given.products)) {
    refuseType(`${name}.products`, 'a list with the number of factors of each product node', given.products)
  }
  const products = Array.from(given.products, (arity: unknown, i) => whole(arity, `${name}.products[${i}]`, { min: 2 }))
  if (sums + products.length === 0) refuseRange(name, 'at least one node', value)
  return { nodes: sums + products.length, products }
}

function layersOf(value: unknown): { layers: number[]; products: number[][] | undefined } {
  if (!Array.isArray(value)) refuseType('layers', 'a list of at least 2 whole numbers, such as [2, 5, 1]', value)
  if (value.length < 2) {
    throw new KanRangeError({
      code: 'ERR_KAN_OPTION',
      message: `layers must have at least 2 sizes, inputs and outputs; found ${described(value)}`,
      hint: 'For example layers: [2, 5, 1] for 2 inputs, 5 hidden nodes and 1 output.',
      details: { option: 'layers', expected: 'at least 2 sizes', found: value },
    })
  }
  const layers = Array.from(value, layerOf)
  const products = layers.slice(1).map(layer => layer.products)
  const multiplies = products.some(list => list.length > 0)
  return { layers: layers.map(layer => layer.nodes), products: multiplies ? products : undefined }
}

/** Reads an option if it was given. */
export function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined ? undefined : read(value)
}

/** Checks the options of a model and writes them as the JSON of a native specification. */
export function specification(value: unknown): string {
  if (value === undefined) refuseType('the options of Kan', 'an object such as { layers: [2, 5, 1] }', value)
  const given = fields(value, 'the options of Kan', optionNames)
  return JSON.stringify({
    ...layersOf(given.layers),
    grid: optional(given.grid, v => whole(v, 'grid', { min: 1, max: 4096 })),
    degree: optional(given.degree, v => whole(v, 'degree', { min: 1, max: 5 })),
    knots: optional(given.knots, v => choice<KnotEnds>(v, 'knots', ['clamped', 'extended'])),
    outside: optional(given.outside, v => choice<Outside>(v, 'outside', ['linear', 'constant', 'zero'])),
    base: optional(given.base, v => choice<Base>(v, 'base', ['silu', 'identity', 'zero'])),
    init: optional(given.init, v => choice<Init>(v, 'init', ['noise', 'power', 'glorot', 'lecun', 'paper'])),
    domain: optional(given.domain, v => interval(v, 'domain')),
    hiddenDomain: optional(given.hiddenDomain, v => interval(v, 'hiddenDomain')),
    seed: optional(given.seed, v => whole(v, 'seed', { min: 0 })),
    standardize: optional(given.standardize, v => flag(v, 'standardize')),
    dtype: choice<DType>(given.dtype ?? 'f64', 'dtype', ['f64', 'f32']),
  })
}
