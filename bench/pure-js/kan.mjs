// A KAN in plain JavaScript, as fast as we can write it: cubic splines with the four bases that are not zero, SiLU, a
// backward pass by hand, Adam over one flat array, and no allocation after the first step. It is what kanode has to beat
// without leaving JavaScript; its predictions are those of a kanode model with the same parameters.
import { cellPolynomials, degree } from './splines.mjs'

/** Terms of an edge: four bases and SiLU. */
const terms = degree + 2

/**
 * A layer. Its coefficients are `[input][grid + 3 control points, then the base weight][output]`, so that the innermost
 * loops run over neighbouring numbers.
 */
class Layer {
  constructor({ inputs, outputs, grid, domain, batch, parameters, gradient }) {
    Object.assign(this, { inputs, outputs, grid, domain, parameters, gradient })
    this.rows = grid + degree + 1
    this.polynomials = cellPolynomials(grid, domain)
    this.cells = new Int32Array(batch * inputs)
    this.weights = new Float64Array(batch * inputs * terms)
    this.slopes = new Float64Array(batch * inputs * terms)
    this.output = new Float64Array(batch * outputs)
  }

  /** Interval, values and slopes of the terms, `[input][batch]`; straight lines outside the domain. */
  locate(x, batch) {
    const { inputs, grid, polynomials: c, cells, weights, slopes } = this
    const [a, b] = this.domain
    const scale = grid / (b - a)
    for (let i = 0; i < inputs; i++) {
      for (let s = 0; s < batch; s++) {
        const value = x[s * inputs + i]
        const inside = value < a ? a : value > b ? b : value
        const position = (inside - a) * scale
        const cell = position < grid ? position | 0 : grid - 1
        const u = position - cell
        const beyond = value - inside
        const n = i * batch + s
        cells[n] = cell
        for (let j = 0, at = cell * 16, to = n * terms; j < 4; j++, at += 4, to++) {
          const slope = scale * (c[at + 1] + u * (2 * c[at + 2] + u * 3 * c[at + 3]))
          weights[to] = c[at] + u * (c[at + 1] + u * (c[at + 2] + u * c[at + 3])) + slope * beyond
          slopes[to] = slope
        }
        const sigmoid = 1 / (1 + Math.exp(-value))
        weights[n * terms + 4] = value * sigmoid
        slopes[n * terms + 4] = sigmoid * (1 + value * (1 - sigmoid))
      }
    }
  }

  /** Outputs `[batch][output]` of inputs `[batch][input]`. */
  forward(x, batch) {
    const { inputs, outputs, rows, parameters: c, cells, weights, output: y } = this
    const fours = outputs - (outputs % 4)
    this.locate(x, batch)
    y.fill(0, 0, batch * outputs)
    for (let i = 0; i < inputs; i++) {
      const first = i * rows * outputs
      const base = first + (rows - 1) * outputs
      for (let s = 0; s < batch; s++) {
        const n = i * batch + s
        const w = n * terms
        const w0 = weights[w]
        const w1 = weights[w + 1]
        const w2 = weights[w + 2]
        const w3 = weights[w + 3]
        const w4 = weights[w + 4]
        const r0 = first + cells[n] * outputs
        const r1 = r0 + outputs
        const r2 = r1 + outputs
        const r3 = r2 + outputs
        const to = s * outputs
        let o = 0
        for (; o < fours; o += 4) {
          y[to + o] += w0 * c[r0 + o] + w1 * c[r1 + o] + w2 * c[r2 + o] + w3 * c[r3 + o] + w4 * c[base + o]
          y[to + o + 1] +=
            w0 * c[r0 + o + 1] + w1 * c[r1 + o + 1] + w2 * c[r2 + o + 1] + w3 * c[r3 + o + 1] + w4 * c[base + o + 1]
          y[to + o + 2] +=
            w0 * c[r0 + o + 2] + w1 * c[r1 + o + 2] + w2 * c[r2 + o + 2] + w3 * c[r3 + o + 2] + w4 * c[base + o + 2]
          y[to + o + 3] +=
            w0 * c[r0 + o + 3] + w1 * c[r1 + o + 3] + w2 * c[r2 + o + 3] + w3 * c[r3 + o + 3] + w4 * c[base + o + 3]
        }
        for (; o < outputs; o++) {
          y[to + o] += w0 * c[r0 + o] + w1 * c[r1 + o] + w2 * c[r2 + o] + w3 * c[r3 + o] + w4 * c[base + o]
        }
      }
    }
    return y
  }

  /** Adds the gradient of the coefficients, from that of the outputs. */
  backward(dy, batch) {
    const { inputs, outputs, rows, gradient: d, cells, weights } = this
    const fours = outputs - (outputs % 4)
    for (let i = 0; i < inputs; i++) {
      const first = i * rows * outputs
      const base = first + (rows - 1) * outputs
      for (let s = 0; s < batch; s++) {
        const n = i * batch + s
        const w = n * terms
        const w0 = weights[w]
        const w1 = weights[w + 1]
        const w2 = weights[w + 2]
        const w3 = weights[w + 3]
        const w4 = weights[w + 4]
        const r0 = first + cells[n] * outputs
        const r1 = r0 + outputs
        const r2 = r1 + outputs
        const r3 = r2 + outputs
        const from = s * outputs
        let o = 0
        for (; o < fours; o += 4) {
          const g0 = dy[from + o]
          const g1 = dy[from + o + 1]
          const g2 = dy[from + o + 2]
          const g3 = dy[from + o + 3]
          d[r0 + o] += w0 * g0
          d[r0 + o + 1] += w0 * g1
          d[r0 + o + 2] += w0 * g2
          d[r0 + o + 3] += w0 * g3
          d[r1 + o] += w1 * g0
          d[r1 + o + 1] += w1 * g1
          d[r1 + o + 2] += w1 * g2
          d[r1 + o + 3] += w1 * g3
          d[r2 + o] += w2 * g0
          d[r2 + o + 1] += w2 * g1
          d[r2 + o + 2] += w2 * g2
          d[r2 + o + 3] += w2 * g3
          d[r3 + o] += w3 * g0
          d[r3 + o + 1] += w3 * g1
          d[r3 + o + 2] += w3 * g2
          d[r3 + o + 3] += w3 * g3
          d[base + o] += w4 * g0
          d[base + o + 1] += w4 * g1
          d[base + o + 2] += w4 * g2
          d[base + o + 3] += w4 * g3
        }
        for (; o < outputs; o++) {
          const g = dy[from + o]
          d[r0 + o] += w0 * g
          d[r1 + o] += w1 * g
          d[r2 + o] += w2 * g
          d[r3 + o] += w3 * g
          d[base + o] += w4 * g
        }
      }
    }
  }

  /** Writes the gradient of the inputs, which a first layer does not need. */
  inputGradient(dy, batch, dx) {
    const { inputs, outputs, rows, parameters: c, cells, slopes } = this
    const fours = outputs - (outputs % 4)
    for (let i = 0; i < inputs; i++) {
      const first = i * rows * outputs
      const base = first + (rows - 1) * outputs
      for (let s = 0; s < batch; s++) {
        const n = i * batch + s
        const w = n * terms
        const w0 = slopes[w]
        const w1 = slopes[w + 1]
        const w2 = slopes[w + 2]
        const w3 = slopes[w + 3]
        const w4 = slopes[w + 4]
        const r0 = first + cells[n] * outputs
        const r1 = r0 + outputs
        const r2 = r1 + outputs
        const r3 = r2 + outputs
        const from = s * outputs
        let sum = 0
        let o = 0
        for (; o < fours; o += 4) {
          sum +=
            dy[from + o] * (w0 * c[r0 + o] + w1 * c[r1 + o] + w2 * c[r2 + o] + w3 * c[r3 + o] + w4 * c[base + o]) +
            dy[from + o + 1] *
              (w0 * c[r0 + o + 1] +
                w1 * c[r1 + o + 1] +
                w2 * c[r2 + o + 1] +
                w3 * c[r3 + o + 1] +
                w4 * c[base + o + 1]) +
            dy[from + o + 2] *
              (w0 * c[r0 + o + 2] +
                w1 * c[r1 + o + 2] +
                w2 * c[r2 + o + 2] +
                w3 * c[r3 + o + 2] +
                w4 * c[base + o + 2]) +
            dy[from + o + 3] *
              (w0 * c[r0 + o + 3] + w1 * c[r1 + o + 3] + w2 * c[r2 + o + 3] + w3 * c[r3 + o + 3] + w4 * c[base + o + 3])
        }
        for (; o < outputs; o++) {
          sum += dy[from + o] * (w0 * c[r0 + o] + w1 * c[r1 + o] + w2 * c[r2 + o] + w3 * c[r3 + o] + w4 * c[base + o])
        }
        dx[s * inputs + i] = sum
      }
    }
  }
}

const beta1 = 0.9
const beta2 = 0.999
const epsilon = 1e-8

/** A network for batches of at most `batch` rows, `[row][column]` in flat arrays. */
export class PlainKan {
  layers
  #first
  #second
  #steps = 0

  /** @param {{ layers: number[], batch: number, grid?: number, domain?: [number, number] }} options */
  constructor({ layers, batch, grid = 5, domain = [-1, 1] }) {
    const pairs = layers.slice(1).map((outputs, i) => ({ inputs: layers[i], outputs }))
    const sizes = pairs.map(({ inputs, outputs }) => inputs * outputs * (grid + degree + 1))
    const count = sizes.reduce((sum, size) => sum + size, 0)
    /** All coefficients, layer after layer; in a layer `[input][control points, then the base weight][output]`. */
    this.parameters = new Float64Array(count)
    /** The gradient of the last {@link gradientOf}, in the same order. */
    this.gradient = new Float64Array(count)
    this.#first = new Float64Array(count)
    this.#second = new Float64Array(count)
    let start = 0
    this.layers = pairs.map((pair, i) => {
      const part = [start, start + sizes[i]]
      start = part[1]
      const [parameters, gradient] = [this.parameters, this.gradient].map(all => all.subarray(...part))
      return new Layer({ ...pair, grid, domain, batch, parameters, gradient })
    })
    this.deltas = this.layers.map(({ outputs }) => new Float64Array(batch * outputs))
  }

  /** A network that predicts what a kanode model does: cubic, clamped knots as it was made, not standardised. */
  static from(model, { batch, domain = [-1, 1] }) {
    const { layers, grid } = model
    const network = new PlainKan({ layers, batch, grid, domain })
    const given = model.parameters
    const bases = grid + degree
    let [from, to] = [0, 0]
    for (const [i, outputs] of layers.slice(1).entries()) {
      const edges = layers[i] * outputs
      const base = from + edges * bases
      for (let input = 0; input < layers[i]; input++) {
        for (let output = 0; output < outputs; output++) {
          const edge = input * outputs + output
          const place = to + input * (bases + 1) * outputs + output
          for (let j = 0; j < bases; j++) {
            network.parameters[place + j * outputs] = given[base + edges + edge] * given[from + edge * bases + j]
          }
          network.parameters[place + bases * outputs] = given[base + edge]
        }
      }
      from += edges * (bases + 2)
      to += edges * (bases + 1)
    }
    return network
  }

  /** Outputs of `batch` rows, in an array that the next call overwrites. */
  forward(x, batch) {
    let values = x
    for (const layer of this.layers) values = layer.forward(values, batch)
    return values
  }

  /** The mean squared error over all outputs of `batch` rows; its gradient is in `gradient` afterwards. */
  gradientOf(x, y, batch) {
    const predicted = this.forward(x, batch)
    const last = this.layers.length - 1
    const count = batch * this.layers[last].outputs
    const delta = this.deltas[last]
    let loss = 0
    for (let n = 0; n < count; n++) {
      const miss = predicted[n] - y[n]
      loss += miss * miss
      delta[n] = (2 * miss) / count
    }
    this.gradient.fill(0)
    for (let l = last; l >= 0; l--) {
      this.layers[l].backward(this.deltas[l], batch)
      if (l > 0) this.layers[l].inputGradient(this.deltas[l], batch, this.deltas[l - 1])
    }
    return loss / count
  }

  /** A step of Adam (Kingma & Ba 2015, algorithm 1) on the mean squared error; returns the error before it. */
  step(x, y, batch, rate = 0.01) {
    const loss = this.gradientOf(x, y, batch)
    this.#steps += 1
    const scale = (rate * Math.sqrt(1 - beta2 ** this.#steps)) / (1 - beta1 ** this.#steps)
    const small = epsilon * Math.sqrt(1 - beta2 ** this.#steps)
    const { parameters, gradient } = this
    const first = this.#first
    const second = this.#second
    for (let n = 0; n < parameters.length; n++) {
      const g = gradient[n]
      const m = beta1 * first[n] + (1 - beta1) * g
      const v = beta2 * second[n] + (1 - beta2) * g * g
      first[n] = m
      second[n] = v
      parameters[n] -= (scale * m) / (Math.sqrt(v) + small)
    }
    return loss
  }
}
