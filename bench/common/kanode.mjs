// kanode as a user of Node.js meets it: `predict` and `fit`, on a network of a benchmark's shape.
import { Kan } from 'kanode'
import { Random } from '../accuracy/helpers.mjs'
import { timed } from './timing.mjs'

/** Rows in [-1, 1] and targets in [-1, 1] for a shape, flat and row-major. */
export function dataOf({ layers, batch }) {
  const random = new Random(1)
  const numbers = count => Float64Array.from({ length: count }, () => random.uniform(-1, 1))
  return { x: numbers(batch * layers[0]), y: numbers(batch * layers.at(-1)) }
}

/** A cubic network of a shape, for numbers as they are. */
export function modelOf({ layers, grid }, options = {}) {
  return new Kan({ layers, grid, dtype: 'f32', domain: [-1, 1], standardize: false, seed: 0, ...options })
}

/** Milliseconds of a step, from the times that the history of a fit has for its steps. */
export function stepTime(records) {
  const [first, last] = [records[0], records.at(-1)]
  return (1000 * (last.seconds - first.seconds)) / (last.step - first.step)
}

/**
 * What kanode takes in Node.js: `forward` is an awaited `predict` of the batch, or `predictSync` for a single row; `step`
 * is a step of `fit` with Adam.
 */
export function inNode(shape, { threads, name = 'kanode in Node' }) {
  const { layers, batch } = shape
  const { x, y } = dataOf(shape)
  const model = modelOf(shape)
  const rows = { data: x, shape: [batch, layers[0]] }
  const samples = { x: rows, y: { data: y, shape: [batch, layers.at(-1)] } }
  const fit = async steps => {
    const { records } = await model.fit(samples, { optimizer: 'adam', steps, threads })
    return stepTime(records)
  }
  const predict = batch === 1 ? () => model.predictSync(x) : () => model.predict(rows, { threads })
  let estimate
  const measure = {
    forward: seconds => timed(predict, seconds),
    async step(seconds) {
      estimate ??= await fit(3)
      const steps = Math.min(50_000, Math.max(3, Math.ceil((1000 * seconds) / estimate)))
      estimate = await fit(steps)
      return estimate
    },
  }
  return { name, measure: (mode, seconds) => measure[mode]?.(seconds) ?? null }
}
