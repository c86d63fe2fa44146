// One pass over the first 2,000 images of Fashion-MNIST on the graphics processor and on the processor: both must come
// to the same loss within a percent. `node bench/gpu/fashion.mjs [--data=folder]`, or `npm run bench:gpu -- fashion`.
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Kan } from 'kanode'
import { main, readArguments } from '../common/arguments.mjs'
import { findImages, pixels } from '../end-to-end/fashion.mjs'
import { readIdx } from '../end-to-end/idx.mjs'

const rows = 2000

/** Trains on both devices; throws if their losses are apart. */
export async function compare(folder) {
  const images = readIdx(path.join(folder, 'train-images-idx3-ubyte.gz'))
  const labels = readIdx(path.join(folder, 'train-labels-idx1-ubyte.gz'))
  const inputs = images.shape[1] * images.shape[2]
  const x = { data: pixels(images.data.subarray(0, rows * inputs)), shape: [rows, inputs] }
  const y = { data: Float64Array.from(labels.data.subarray(0, rows)), shape: [rows, 1] }
  const losses = {}
  for (const device of ['cpu', 'gpu']) {
    const model = new Kan({
      layers: [inputs, 64, 10],
      grid: 5,
      dtype: 'f32',
      domain: [-1, 1],
      standardize: false,
      seed: 0,
    })
    const options = { optimizer: 'adam', learningRate: 1e-3, loss: 'crossEntropy', epochs: 1, batchSize: 64, device }
    const { records } = await model.fit({ x, y }, options)
    const { logLoss } = await model.evaluate({ x, y }, { device })
    losses[device] = { pass: records.at(-1).loss, after: logLoss, seconds: records.at(-1).seconds }
    console.log(`${device}: loss of the pass ${losses[device].pass}, after it ${logLoss}, ${losses[device].seconds} s`)
  }
  for (const name of ['pass', 'after']) {
    const apart = Math.abs(losses.gpu[name] / losses.cpu[name] - 1)
    console.log(`loss ${name === 'pass' ? 'of the pass' : 'after it'}: ${(100 * apart).toFixed(4)} % apart`)
    if (!(apart <= 0.01)) throw new Error('the losses are more than a percent apart')
  }
  return losses
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    const options = readArguments(process.argv.slice(2), {
      usage: 'node bench/gpu/fashion.mjs',
      names: ['fashion'],
      defaults: {},
      texts: ['data'],
    })
    const folder = findImages(options.data)
    if (folder === null) throw new Error('No Fashion-MNIST: node bench/end-to-end/fetch-fashion.mjs fetches it.')
    await compare(folder)
  })
}
