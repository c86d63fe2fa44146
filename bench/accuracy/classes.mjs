// Classification: two moons (scikit-learn's formula, noise 0.1) and the 8 × 8 digits of
// scikit-learn, with no option of the fit set but the loss.
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Dataset, Kan, readCsv } from 'kanode'
import { eachSeed, printRows, Random, row, seedsTo } from './helpers.mjs'

const digitsFile = path.join(path.dirname(fileURLToPath(import.meta.url)), 'data', 'digits.csv')

/** Two half circles that reach into each other, and normal noise. */
export function moons(rows, seed, noise = 0.1) {
  const random = new Random(seed)
  const half = Math.floor(rows / 2)
  const x = []
  const y = []
  for (let i = 0; i < rows; i++) {
    const lower = i >= half
    const angle = (Math.PI * (lower ? i - half : i)) / ((lower ? rows - half : half) - 1)
    const center = lower ? [1 - Math.cos(angle), 0.5 - Math.sin(angle)] : [Math.cos(angle), Math.sin(angle)]
    x.push(center.map(value => value + random.normal(noise)))
    y.push(Number(lower))
  }
  return new Dataset({ x, y, classes: ['upper', 'lower'] })
}

async function accuracy(model, { train, test }) {
  await model.fit(train, { loss: 'crossEntropy' })
  return (await model.evaluate(test)).accuracy
}

export async function run(seeds = seedsTo(3)) {
  const digits = await readCsv(digitsFile, { target: 'digit' })
  const tasks = [
    {
      name: 'two moons, 1000 + 1000 rows, [2, 5, 2]',
      goal: 0.99,
      run: seed => {
        const model = new Kan({ layers: [2, 5, 2], seed })
        return accuracy(model, { train: moons(1000, seed), test: moons(1000, seed + 1000) })
      },
    },
    {
      name: 'digits, 80 / 20 %, [64, 32, 10]',
      goal: 0.97,
      run: seed => {
        const model = new Kan({ layers: [64, 32, 10], seed })
        return accuracy(model, digits.split({ test: 0.2, seed }))
      },
    },
  ]
  const rows = []
  for (const { name, goal, run } of tasks) {
    const { results, seconds } = await eachSeed(seeds, run)
    rows.push(row({ name, values: results, anchor: null, goal, higher: true, source: 'a goal', seconds }))
  }
  printRows('Classes: accuracy on test rows', rows)
  return rows
}
