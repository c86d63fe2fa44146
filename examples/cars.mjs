// Learns the fuel economy of cars from their attributes with a Kolmogorov–Arnold network, and compares it on cars it
// has not seen with two baselines fitted on the same rows. `npm start` runs this file.
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Kan, readCsv } from 'kanode'
import { leastSquares, mean, rmse } from './baselines.mjs'
import { Progress } from './progress.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))
const steps = 100

// Text columns become one column for each value; six cars without horsepower are left out.
const cars = await readCsv(path.join(here, 'data', 'cars.csv'), {
  target: 'mpg',
  ignore: ['name'],
  missing: 'drop',
})
const { train, test } = cars.split({ test: 0.2, seed: 0 })
console.log(`${train.rows} cars to learn from, ${test.rows} held out, ${train.features} features:\n${train}\n`)

const model = new Kan({ layers: [train.features, 5, 1], grid: 5, degree: 3, seed: 0 })
const progress = new Progress(steps)
// No option but these: the fit finds by itself how noisy the rows are, and needs no validation rows.
const history = await model.fit(train, {
  steps,
  onStep: ({ step, rmse }) => progress.show(step, `error ${rmse.toFixed(3)} mpg on the rows to learn from`),
})
progress.end(history.last.step)
console.log(`\n${history}\n`)

// One hidden node and the inputs that matter make a network that can be read as a formula.
const whole = new Kan({ layers: [train.features, 1, 1], seed: 0 })
await whole.fit(train, { steps })
const lean = await whole.pruneInputs(train, { keep: 4 })
await lean.fit(train, { steps })
const formulas = await lean.symbolic(train)
const best = formulas.best()

const errors = {
  'mean of the training rows': rmse(mean(train)(test), test),
  'ordinary least squares': rmse(leastSquares(train)(test), test),
  KAN: (await model.evaluate(test)).rmse,
  'the formula below': rmse(best.formula.evaluate(test), test),
}
console.log(`Root mean squared error on the ${test.rows} held-out cars, in miles per gallon:`)
for (const [name, error] of Object.entries(errors)) console.log(`  ${name.padEnd(26)} ${error.toFixed(2)}`)

// The file holds all that a prediction needs: parameters, scaling, names and the coding of text columns.
const file = path.resolve(process.env.KANODE_EXAMPLES_OUT ?? path.join(here, 'out'), 'cars.kan')
mkdirSync(path.dirname(file), { recursive: true })
await model.save(file)
const again = await Kan.load(file)
const car = {
  cylinders: 4,
  displacement: 97,
  horsepower: 88,
  weight: 2130,
  acceleration: 14.5,
  year: 1971,
  origin: 'Japan',
}
const [{ mpg }] = await again.predict([car])
console.log(`\nSaved to ${path.relative(process.cwd(), file)} and loaded again.`)
console.log(`A 1971 Japanese car of 88 hp and 2130 lb: ${mpg.toFixed(1)} miles per gallon.\n`)

console.log(again)

console.log(`\nA formula for the fuel economy, of complexity ${best.complexity}:`)
console.log(`  mpg = ${best.formula.print('text', { digits: 4 })}`)
console.log(
  `From the network it was read from it differs by ${best.agreement.rms.toFixed(2)} mpg (root mean square) on`,
)
console.log(`the rows to learn from, and by ${best.agreement.largest.toFixed(2)} at most. Shorter and longer ones:\n`)
console.log(formulas)
