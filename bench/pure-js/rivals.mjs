// What is measured beside kanode without leaving JavaScript, each with `name` and `measure(mode, seconds)`.
import { Random } from '../accuracy/helpers.mjs'
import { dataOf, modelOf } from '../common/kanode.mjs'
import { pairsOf } from '../common/shapes.mjs'
import { timed } from '../common/timing.mjs'
import { PlainKan } from './kan.mjs'
import { DenseKan } from './tensorflow/network.mjs'

/** The KAN in plain JavaScript. */
export function plain(shape) {
  const { batch } = shape
  const { x, y } = dataOf(shape)
  const network = PlainKan.from(modelOf(shape), { batch })
  const work = {
    forward: () => network.forward(x, batch),
    gradient: () => network.gradientOf(x, y, batch),
    step: () => network.step(x, y, batch),
  }
  return { name: 'plain JavaScript', measure: (mode, seconds) => (work[mode] ? timed(work[mode], seconds) : null) }
}

/** The KAN in TensorFlow.js on one of its backends, `cpu` or `wasm`. */
export async function tensorflow(tf, backend, shape) {
  const { layers, batch } = shape
  await tf.setBackend(backend)
  const { x, y } = dataOf(shape)
  const network = new DenseKan(tf, shape)
  const [rows, targets] = [
    [x, layers[0]],
    [y, layers.at(-1)],
  ].map(([data, width]) => tf.tensor2d(Float32Array.from(data), [batch, width]))
  const work = {
    async forward() {
      const output = network.forward(rows)
      await output.data()
      output.dispose()
    },
    gradient: () => network.gradientOf(rows, targets),
    step: () => network.step(rows, targets),
  }
  return {
    name: `TensorFlow.js ${backend}`,
    async measure(mode, seconds) {
      await tf.setBackend(backend)
      return timed(work[mode], seconds)
    },
    dispose() {
      network.dispose()
      tf.dispose([rows, targets])
    },
  }
}

/** Greatest difference between predictions of TensorFlow.js and of a kanode model of the same parameters. */
export async function disagreement(tf, backend) {
  await tf.setBackend(backend)
  const shape = { layers: [3, 4, 2], batch: 64, grid: 5 }
  const model = modelOf(shape, { knots: 'extended', outside: 'zero', hiddenDomain: [-1, 1] })
  const random = new Random(2)
  model.parameters = Float64Array.from({ length: model.parameterCount }, () => random.uniform(-1, 1))
  const network = new DenseKan(tf, shape)
  const given = model.parameters
  const bases = shape.grid + 3
  let start = 0
  for (const [layer, [inputs, outputs]] of pairsOf(shape.layers).entries()) {
    const edges = inputs * outputs
    const base = start + edges * bases
    const controlPoints = new Float32Array(edges * bases)
    for (let i = 0; i < inputs; i++) {
      for (let o = 0; o < outputs; o++) {
        const edge = i * outputs + o
        for (let j = 0; j < bases; j++) {
          controlPoints[(i * bases + j) * outputs + o] = given[base + edges + edge] * given[start + edge * bases + j]
        }
      }
    }
    network.setLayer(layer, { controlPoints, baseWeights: Float32Array.from(given.subarray(base, base + edges)) })
    start = base + 2 * edges
  }
  const { x } = dataOf(shape)
  const expected = model.predictSync({ data: x, shape: [64, 3] }).data
  const found = await network.forward(tf.tensor2d(Float32Array.from(x), [64, 3])).data()
  network.dispose()
  return Math.max(...expected.map((value, n) => Math.abs(value - found[n])))
}
