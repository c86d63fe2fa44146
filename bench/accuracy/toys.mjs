// The five toy functions of the KAN paper, each with the smallest network that can represent it, on [-1, 1]ⁿ.
import { Kan } from 'kanode'
import { besselJ0, best, climb, eachSeed, expSine, printRows, row, samples, scienceModel, seedsTo } from './helpers.mjs'

const source = 'Liu et al. 2024, arXiv 2404.19756, section 3.1, end points'
const square = x => x * x
const waves = (a, b) => Math.sin(Math.PI * (a * a + b * b))

// Published errors, and settings by what a function needs: many oscillations bear only a weak prior, few rows in many
// dimensions need a stronger one, and narrow, deep networks need many starts that differ widely. Each ladder ends where
// 1000 rows have no more to tell.
const toys = [
  {
    name: 'J0(20x)',
    f: x => besselJ0(20 * x),
    layers: [1, 1],
    anchor: 4.0e-7,
    ladder: [20, 50, 100, 200, 500],
    regularization: { order: 4, lambda: 1e-24, ridge: 0 },
  },
  {
    name: 'exp(sin πx + y²)',
    f: expSine,
    layers: [2, 1, 1],
    anchor: 1.3e-6,
    goal: 1e-7,
    ladder: [3, 5, 10, 20, 50, 100, 200],
    starts: 8,
    regularization: { order: 4, lambda: 1e-20, ridge: 1e-14 },
  },
  {
    name: 'xy',
    f: (x, y) => x * y,
    layers: [2, 2, 1],
    anchor: 2.4e-8,
    goal: 5e-9,
    ladder: [3, 5, 10, 20, 50, 100],
    starts: 4,
    regularization: { order: 4, lambda: 1e-20, ridge: 1e-14 },
  },
  {
    name: 'exp(mean of sin²(πx/2)), 100 inputs',
    f: (...x) => Math.exp(x.reduce((sum, value) => sum + square(Math.sin((Math.PI * value) / 2)), 0) / x.length),
    layers: [100, 1, 1],
    anchor: 1.1e-4,
    ladder: [3, 7, 15],
    steps: 25,
    starts: 1,
    regularization: { order: 4, lambda: 1e-15, ridge: 1e-12 },
  },
  {
    name: 'exp(½ sin π(a² + b²) + ½ sin π(c² + d²))',
    f: (a, b, c, d) => Math.exp((waves(a, b) + waves(c, d)) / 2),
    layers: [4, 2, 1, 1],
    init: 'power',
    anchor: 7.0e-7,
    ladder: [3, 10, 50, 100],
    steps: 80,
    starts: 60,
    regularization: { order: 4, lambda: 1e-19, ridge: 1e-14 },
  },
]

async function toy({ name, f, layers, init = 'noise', anchor, goal, ...options }, seeds) {
  const { results, seconds } = await eachSeed(seeds, async seed => {
    const [train, test] = samples(f, layers[0], seed)
    const grid = options.ladder[0]
    const model = new Kan({ ...scienceModel, layers, grid, init, domain: [-1, 1], seed })
    const gridUpdate = { uniform: 1, margin: 0.1 }
    return best(await climb(model, { train, test, steps: 30, gridUpdate, ...options }))
  })
  return row({ name: `${name}, [${layers}]`, values: results, anchor, goal, source, seconds })
}

export async function run(seeds = seedsTo(5)) {
  const rows = []
  for (const options of toys) rows.push(await toy(options, seeds))
  printRows('Toy functions: test RMSE on the best grid of the ladder', rows)
  return rows
}
