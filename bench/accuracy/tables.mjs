// A noisy table with no option set: fuel economy of cars, ten random splits, against ordinary least squares and the
// mean of the training rows on the same splits.
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Kan, readCsv } from 'kanode'
import * as baselines from '../../examples/baselines.mjs'
import { eachSeed, mean, printRows, row, seedsTo } from './helpers.mjs'

const file = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', 'examples', 'data', 'cars.csv')
const beside = 'ordinary least squares, beside it'

export async function run(seeds = seedsTo(10)) {
  const cars = await readCsv(file, { target: 'mpg', ignore: ['name'], missing: 'drop' })
  const { results, seconds } = await eachSeed(seeds, async seed => {
    const { train, test } = cars.split({ test: 0.2, seed })
    const model = new Kan({ layers: [train.features, 5, 1], seed })
    await model.fit(train)
    const rmse = baseline => baselines.rmse(baseline(train)(test), test)
    return {
      ours: (await model.evaluate(test)).rmse,
      linear: rmse(baselines.leastSquares),
      constant: rmse(baselines.mean),
    }
  })
  const of = name => results.map(errors => errors[name])
  const wins = results.filter(({ ours, linear }) => ours < linear).length
  const rows = [
    row({
      name: 'test RMSE in mpg',
      values: of('ours'),
      anchor: mean(of('linear')),
      goal: 2.7,
      by: 'mean',
      source: beside,
      seconds,
    }),
    row({
      name: `better than least squares, of ${seeds.length}`,
      values: [wins],
      anchor: null,
      goal: seeds.length,
      higher: true,
      source: beside,
    }),
    row({
      name: 'test RMSE, against the mean of the training rows',
      values: of('ours'),
      anchor: mean(of('constant')),
      by: 'mean',
      source: 'mean of the training rows, beside it',
    }),
  ]
  printRows(`Cars, no option set, ${seeds.length} splits of ${cars.rows} rows`, rows)
  return rows
}
