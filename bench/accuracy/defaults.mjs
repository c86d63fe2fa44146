// What a fit without options chooses, beside other choices on data of several kinds: the table that the defaults stand
// on. One choice is changed at a time; the number is the error on test rows, of classes the part of wrong answers.
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Kan, readCsv } from 'kanode'
import { moons } from './classes.mjs'
import { expSine, mean, median, Random, sample, seedsTo } from './helpers.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))

/** Rows to learn from, with normal noise, and rows without it to test on. */
function noisy(f, { inputs, rows, noise, seed }) {
  const random = new Random(seed)
  const train = sample(f, { inputs, rows, random })
  const test = sample(f, { inputs, rows: 1000, random })
  return { train: { x: train.x, y: train.y.map(y => y + random.normal(noise)) }, test }
}

const waves = (...x) => Math.sin(3 * x[0]) + x[1] * x[1] + x[2] * x[3]

const kinds = [
  {
    name: 'clean formula, 1000 rows, [2,5,1]',
    layers: [2, 5, 1],
    data: seed => noisy(expSine, { inputs: 2, rows: 1000, noise: 0, seed }),
  },
  {
    name: 'the same with noise of 0.05',
    layers: [2, 5, 1],
    data: seed => noisy(expSine, { inputs: 2, rows: 1000, noise: 0.05, seed }),
  },
  {
    name: '8 inputs, noise of 0.3, 300 rows, [8,5,1]',
    layers: [8, 5, 1],
    data: seed => noisy(waves, { inputs: 8, rows: 300, noise: 0.3, seed }),
  },
  {
    name: 'cars, 314 rows, [9,5,1]',
    layers: [9, 5, 1],
    async data(seed) {
      const file = path.join(here, '..', '..', 'examples', 'data', 'cars.csv')
      return (await readCsv(file, { target: 'mpg', ignore: ['name'], missing: 'drop' })).split({ test: 0.2, seed })
    },
  },
  {
    name: 'two moons, 300 rows, [2,5,2]',
    layers: [2, 5, 2],
    loss: 'crossEntropy',
    data: seed => ({ train: moons(300, seed), test: moons(1000, seed + 1000) }),
  },
  {
    name: 'digits, 1438 rows, [64,16,10]',
    layers: [64, 16, 10],
    loss: 'crossEntropy',
    async data(seed) {
      return (await readCsv(path.join(here, 'data', 'digits.csv'), { target: 'digit' })).split({ test: 0.2, seed })
    },
  },
]

/** Each says what is changed of the model's options and of the fit's. */
const choices = [
  { name: 'defaults' },
  { name: "optimizer: 'lm'", fit: { optimizer: 'lm' }, unlike: ({ layers }) => layers[0] > 20 },
  { name: "optimizer: 'lbfgs'", fit: { optimizer: 'lbfgs' } },
  { name: "optimizer: 'adam'", fit: { optimizer: 'adam' } },
  { name: "base: 'zero'", model: { base: 'zero' } },
  { name: "init: 'power'", model: { init: 'power' } },
  { name: 'starts: 1', fit: { starts: 1 }, unlike: ({ layers }) => layers[0] > 20 },
  { name: 'grid: 3', model: { grid: 3 } },
  { name: 'grid: 10', model: { grid: 10 } },
  { name: 'grid: [3, 5, 10, 20]', fit: { grid: [3, 5, 10, 20] }, model: { grid: 3 } },
  { name: "regularization: 'none'", fit: { regularization: 'none' }, unlike: ({ layers }) => layers[0] > 20 },
]

async function measure({ layers, loss, data }, { model: changed, fit }, seeds) {
  const errors = []
  const seconds = []
  for (const seed of seeds) {
    const { train, test } = await data(seed)
    const model = new Kan({ layers, seed, ...changed })
    const began = performance.now()
    await model.fit(train, { ...(loss && { loss }), ...fit })
    seconds.push((performance.now() - began) / 1000)
    const { rmse, accuracy } = await model.evaluate(test)
    errors.push(rmse ?? 1 - accuracy)
  }
  return { error: median(errors), worst: Math.max(...errors), seconds: mean(seconds) }
}

/** Lines of a table in Markdown, for docs/training.md. */
export function markdown(table) {
  const line = cells => `| ${cells.join(' | ')} |`
  const titles = ['', ...kinds.map(({ name }) => name)]
  const cell = found => (found ? `${Number(found.error.toPrecision(2))} (${found.seconds.toFixed(1)} s)` : '–')
  const body = table.map(({ choice, found }) => line([choice, ...kinds.map(({ name }) => cell(found.get(name)))]))
  return [line(titles), line(titles.map(() => '---')), ...body]
}

export async function run(seeds = seedsTo(3)) {
  const rows = []
  const table = []
  for (const choice of choices) {
    const found = new Map()
    for (const kind of kinds) {
      if (choice.unlike?.(kind)) continue
      const measured = await measure(kind, choice, seeds)
      found.set(kind.name, measured)
      const { error: ours, worst, seconds } = measured
      rows.push({ name: `${kind.name}: ${choice.name}`, ours, worst, seconds })
    }
    table.push({ choice: choice.name, found })
  }
  console.log('\nDefaults beside other choices: median error on test rows, and seconds of a fit')
  for (const line of markdown(table)) console.log(`  ${line}`)
  return rows
}
