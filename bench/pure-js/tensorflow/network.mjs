// A KAN in TensorFlow.js, in the dense form that libraries of tensors suggest: all bases of every input by the recursion
// of Cox and de Boor over whole tensors, then two matrix products. Cubic, knots that go on beyond the domain.

const degree = 3

/** The package with its backend for WebAssembly, or null where they are not installed. */
export async function loadTensorflow() {
  try {
    const tf = await import('@tensorflow/tfjs')
    const wasm = await import('@tensorflow/tfjs-backend-wasm')
    wasm.setWasmPaths(new URL('./node_modules/@tensorflow/tfjs-backend-wasm/dist/', import.meta.url).pathname)
    return tf
  } catch (error) {
    if (error.code === 'ERR_MODULE_NOT_FOUND') return null
    throw error
  }
}

/** A network on the backend that is set when it is made. */
export class DenseKan {
  #tf
  #layers
  #optimizer

  constructor(tf, { layers, grid, domain: [a, b] = [-1, 1] }) {
    this.#tf = tf
    this.#optimizer = tf.train.adam(0.01)
    const width = (b - a) / grid
    const knots = Array.from({ length: grid + 2 * degree + 1 }, (_, i) => a + (i - degree) * width)
    this.#layers = layers.slice(1).map((outputs, l) => {
      const inputs = layers[l]
      return {
        inputs,
        bases: grid + degree,
        knots: tf.tensor1d(knots),
        spline: tf.variable(tf.randomNormal([inputs * (grid + degree), outputs], 0, 0.1)),
        base: tf.variable(tf.randomNormal([inputs, outputs], 0, 1 / Math.sqrt(inputs))),
      }
    })
  }

  /** Control points `[input][basis][output]` and base weights `[input][output]` of a layer. */
  setLayer(layer, { controlPoints, baseWeights }) {
    const { spline, base } = this.#layers[layer]
    spline.assign(this.#tf.tensor2d(controlPoints, spline.shape))
    base.assign(this.#tf.tensor2d(baseWeights, base.shape))
  }

  /** All bases `[batch, input, basis]`. */
  #basesOf(x, { knots, bases }) {
    const tf = this.#tf
    const points = x.expandDims(2)
    const slice = (start, count) => knots.slice(start, count)
    const all = bases + degree
    // Which interval a point is in has no slope, which TensorFlow.js has to be told.
    const indicator = tf.customGrad(values => ({
      value: tf.logicalAnd(values.greaterEqual(slice(0, all)), values.less(slice(1, all))).toFloat(),
      gradFunc: () => tf.zerosLike(values),
    }))
    let lower = indicator(points)
    for (let p = 1; p <= degree; p++) {
      const count = all - p
      const rising = points.sub(slice(0, count)).div(slice(p, count).sub(slice(0, count)))
      const falling = slice(p + 1, count)
        .sub(points)
        .div(slice(p + 1, count).sub(slice(1, count)))
      const cut = start => lower.slice([0, 0, start], [-1, -1, count])
      lower = rising.mul(cut(0)).add(falling.mul(cut(1)))
    }
    return lower
  }

  /** Outputs of a tensor `[batch, input]`. */
  forward(x) {
    return this.#tf.tidy(() =>
      this.#layers.reduce((values, layer) => {
        const bases = this.#basesOf(values, layer).reshape([-1, layer.inputs * layer.bases])
        return bases.matMul(layer.spline).add(values.mul(values.sigmoid()).matMul(layer.base))
      }, x),
    )
  }

  #gradients(x, y) {
    return this.#tf.variableGrads(() => this.forward(x).sub(y).square().mean())
  }

  /** The mean squared error; its gradient is computed and thrown away. */
  async gradientOf(x, y) {
    const { value, grads } = this.#gradients(x, y)
    const [loss] = await value.data()
    for (const gradient of Object.values(grads)) await gradient.data()
    this.#tf.dispose([value, grads])
    return loss
  }

  /** A step of Adam; the mean squared error before it. */
  async step(x, y) {
    const { value, grads } = this.#gradients(x, y)
    this.#optimizer.applyGradients(grads)
    const [loss] = await value.data()
    this.#tf.dispose([value, grads])
    return loss
  }

  dispose() {
    this.#optimizer.dispose()
    for (const { knots, spline, base } of this.#layers) this.#tf.dispose([knots, spline, base])
  }
}
