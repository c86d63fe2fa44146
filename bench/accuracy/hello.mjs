// hello-KAN: exp(sin πx + y²) with [2, 5, 1] on 5 intervals. How exact Levenberg–Marquardt gets in 100 steps, whether
// pruning finds the smallest network [2, 1, 1], and how long it takes from the first parameters to the last refit.
import { Kan } from 'kanode'
import { eachSeed, expSine, printRows, row, samples, scienceModel, seedsTo } from './helpers.mjs'

const notebook = 'pykan, notebook hello (fit, before pruning)'
const refined = 'pykan, notebook hello (after refine(10))'
const clocked = 'pykan, same notebook: fit, prune, fit, refine, fit, timed on a like machine'

const fresh = seed => new Kan({ ...scienceModel, layers: [2, 5, 1], grid: 5, domain: [-1, 1], seed })

async function plain(seed) {
  const [train, test] = samples(expSine, 2, seed)
  const model = fresh(seed)
  await model.fit(train, { optimizer: 'lm', steps: 100, starts: 1, regularization: 'none' })
  return (await model.evaluate(test)).rmse
}

/** Fit, prune to the smallest network, refine and fit: the layers that are left, and the test error. */
export async function pipeline(seed) {
  const [train, test] = samples(expSine, 2, seed)
  const model = fresh(seed)
  await model.fit(train, { steps: 30, starts: 1 })
  const small = await model.simplify(train, { grid: [20, 50] })
  return { layers: small.layers, rmse: (await small.evaluate(test)).rmse }
}

export async function run(seeds = seedsTo(10)) {
  const fits = await eachSeed(seeds, plain)
  const pipelines = await eachSeed(seeds, pipeline)
  const smallest = pipelines.results.filter(({ layers }) => layers.join() === '2,1,1').length
  const rows = [
    row({
      name: 'test RMSE, 100 steps',
      values: fits.results,
      anchor: 1.77e-2,
      goal: 1e-3,
      by: 'worst',
      source: notebook,
      seconds: fits.seconds,
    }),
    row({
      name: `pruned to [2, 1, 1], of ${seeds.length}`,
      values: [smallest],
      anchor: null,
      goal: seeds.length,
      higher: true,
      source: 'every seed',
    }),
    row({
      name: 'test RMSE of the pipeline',
      values: pipelines.results.map(({ rmse }) => rmse),
      anchor: 4.73e-4,
      source: refined,
    }),
    row({
      name: 'seconds of the pipeline',
      values: [pipelines.seconds],
      anchor: 18.4,
      goal: 0.5,
      source: clocked,
    }),
  ]
  printRows('hello-KAN, [2, 5, 1], G = 5', rows)
  return rows
}
