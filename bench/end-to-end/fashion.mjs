// Fashion-MNIST, [784, 64, 10]: seconds of a pass and accuracy on the test images, kanode and PyTorch in turn, pass by
// pass. All learn alike: AdamW, mini-batches of 64, a rate that falls by a fifth with each pass.
import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Dataset, Kan } from 'kanode'
import { median } from '../accuracy/helpers.mjs'
import { digits, table, times } from '../common/report.mjs'
import { readIdx } from './idx.mjs'

const layers = [784, 64, 10]
const batch = 64
const rate = 1e-3
const decay = 1e-4
const fall = 0.8
/** Networks of bench/peers/networks.py. */
const networks = ['inkan', 'inkan compiled', 'efficient-kan', 'FastKAN', 'MLP']

/** Where fetch-fashion.mjs unpacks the images, and where Debian's package does. */
export const unpacked = fileURLToPath(new URL('data/usr/share/datasets/fashion-mnist', import.meta.url))
const installed = '/usr/share/datasets/fashion-mnist'

/** The folder of the images, or null where there is none. */
export function findImages(given) {
  const known = given === undefined ? [unpacked, installed] : [path.resolve(given)]
  return known.find(folder => existsSync(path.join(folder, 'train-images-idx3-ubyte.gz'))) ?? null
}

/** Grey values from 0 to 255 as numbers from -1 to 1. */
export const pixels = data => Float64Array.from(data, value => value / 127.5 - 1)

function read(folder, name) {
  const images = readIdx(path.join(folder, `${name}-images-idx3-ubyte.gz`))
  const labels = readIdx(path.join(folder, `${name}-labels-idx1-ubyte.gz`))
  const [rows, ...size] = images.shape
  const x = { data: pixels(images.data), shape: [rows, size[0] * size[1]] }
  return new Dataset({ x, y: { data: Float64Array.from(labels.data), shape: [rows, 1] } })
}

/** kanode: a function that trains for a pass and returns its seconds, and then the accuracy. */
function ours(folder, { threads, seed }) {
  const [train, test] = ['train', 't10k'].map(name => read(folder, name))
  const model = new Kan({ layers, grid: 5, dtype: 'f32', domain: [-1, 1], standardize: false, seed })
  const gamma = fall ** (1 / Math.ceil(train.rows / batch))
  return async () => {
    const { records } = await model.fit(train, {
      optimizer: { name: 'adamw', weightDecay: decay },
      learningRate: rate,
      schedule: { name: 'exponential', gamma },
      loss: 'crossEntropy',
      epochs: 1,
      batchSize: batch,
      resume: model.fitted,
      threads,
      seed,
    })
    const { accuracy } = await model.evaluate(test)
    return { seconds: records.at(-1).seconds, accuracy }
  }
}

/** Trains all of them for some passes. */
export async function run({ folder, peers, threads, epochs, seed = 0 }) {
  const request = { layers, folder, batch, rate, decay, fall, seed }
  const rivals = new Map([['kanode', ours(folder, { threads, seed })]])
  for (const network of peers === null ? [] : networks) {
    rivals.set(network, () => peers.ask('train', { network, ...request }))
  }
  const passes = Object.fromEntries([...rivals.keys()].map(name => [name, []]))
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const [name, pass] of rivals) passes[name].push(await pass())
  }
  const measured = Object.fromEntries(
    Object.entries(passes).map(([name, all]) => {
      const seconds = median(all.map(pass => pass.seconds))
      return [name, { seconds, accuracy: all.at(-1).accuracy, best: Math.max(...all.map(pass => pass.accuracy)), all }]
    }),
  )
  print(measured, epochs)
  return { layers, batch, epochs, measured }
}

function print(measured, epochs) {
  const percent = share => `${(100 * share).toFixed(2)} %`
  const lines = Object.entries(measured).map(([name, { seconds, accuracy, best }]) => [
    name,
    `${digits(seconds)} s`,
    times(seconds / measured.kanode.seconds),
    percent(accuracy),
    percent(best),
  ])
  console.log(`\nFashion-MNIST, ${layers.join(' → ')}, mini-batches of ${batch}`)
  console.log(table([['', 'a pass', 'of kanode’s', `accuracy after ${epochs}`, 'best'], ...lines]))
}
