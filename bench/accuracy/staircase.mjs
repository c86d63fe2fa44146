// The grid staircase: exp(sin πx + y²) on ever finer grids. Published fits get worse again beyond G = 100, because they
// carry a function from grid to grid by its samples; a projection onto the finer grid does not.
import { Kan } from 'kanode'
import { best, climb, eachSeed, expSine, printRows, row, samples, scienceModel, seedsTo } from './helpers.mjs'

const ladder = [3, 5, 10, 20, 50, 100, 200, 500, 1000]
const source = 'Liu et al. 2024, arXiv 2404.19756, section 2.4, figure'
const stairs = [
  {
    layers: [2, 1, 1],
    goal: 1e-7,
    starts: 8,
    regularization: { order: 4, lambda: 1e-20, ridge: 1e-14 },
    published: [1.8e-2, 6.5e-3, 4.5e-4, 5.1e-5, 3.0e-6, 1.34e-6, 1.1e-5, 1.75e-4, 1.06],
  },
  {
    layers: [2, 5, 1],
    goal: 1e-5,
    starts: 3,
    regularization: { order: 4, lambda: 1e-18, ridge: 1e-14 },
    published: [1.8e-3, 4.6e-4, 1.5e-4, 3.9e-5, 2.81e-5, 3.2e-5, 3.7e-5, 3.0e-4, 0.56],
  },
]

async function stair({ layers, goal, published, ...options }, seeds) {
  const { results, seconds } = await eachSeed(seeds, seed => {
    const [train, test] = samples(expSine, 2, seed)
    const model = new Kan({ ...scienceModel, layers, grid: ladder[0], domain: [-1, 1], seed })
    return climb(model, { train, test, ladder, steps: 30, gridUpdate: { uniform: 1, margin: 0.1 }, ...options })
  })
  const name = `[${layers}]`
  const levels = ladder.map((grid, level) =>
    row({
      name: `${name} G = ${grid}`,
      values: results.map(steps => steps[level].rmse),
      anchor: published[level],
      source,
    }),
  )
  const lowest = results.map(best)
  const late = results.map(steps => Math.max(...steps.filter(({ grid }) => grid >= 200).map(({ rmse }) => rmse)))
  return [
    ...levels,
    row({ name: `${name} best`, values: lowest, anchor: Math.min(...published), goal, source, seconds }),
    row({
      name: `${name} worst from G = 200 on, by the best`,
      values: late.map((rmse, i) => rmse / lowest[i]),
      anchor: Math.max(...published) / Math.min(...published),
      goal: 2,
      source,
    }),
    row({ name: `${name} seconds of the ladder`, values: [seconds], anchor: null, goal: 10, source: 'a bound' }),
  ]
}

export async function run(seeds = seedsTo(3)) {
  const rows = []
  for (const options of stairs) rows.push(...(await stair(options, seeds)))
  printRows('Grid staircase, exp(sin πx + y²): test RMSE', rows)
  return rows
}
