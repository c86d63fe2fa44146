// Special functions of two variables, against the Pareto front of the KAN paper (table 2, unpruned). The numbers are
// scipy's (data/functions.py). The paper does not state its ranges; ours are [0, 1]², without the edge where a function
// is singular: y from 0.2 for Bessel functions, up to 0.9 for lpmv(1). Inputs are brought to [0, 1] for the network.
import { readFileSync } from 'node:fs'
import { Kan } from 'kanode'
import { best, climb, eachSeed, printRows, row, scienceModel, seedsTo } from './helpers.mjs'

const source = 'Liu et al. 2024, arXiv 2404.19756, section 3.2, table of Pareto fronts'
const published = {
  ellipkinc: 2.2e-6,
  ellipeinc: 1.2e-6,
  jv: 1.1e-5,
  yv: 9.5e-6,
  kv: 2.2e-6,
  iv: 4.7e-6,
  'lpmv-0': 3.1e-5,
  'lpmv-1': 1.4e-5,
  'lpmv-2': 6.7e-6,
  'sph-harm-0-1': 8.8e-8,
  'sph-harm-1-1': 4.2e-6,
  'sph-harm-0-2': 1.0e-7,
  'sph-harm-1-2': 1.5e-5,
  'sph-harm-2-2': 3.5e-5,
}
const ladder = [3, 5, 10, 20, 50]

const read = name => readFileSync(new URL(`data/${name}`, import.meta.url))

/** The numbers of a file of little-endian doubles, whatever the machine's order of bytes. */
function numbers(name) {
  const bytes = read(name)
  return Float64Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readDoubleLE(8 * i))
}

/** One of the blocks of rows: seeds 1, 2, … have training sets of their own as far as there are any. */
function block(points, values, { index, rows }) {
  return {
    x: { data: points.slice(2 * rows * index, 2 * rows * (index + 1)), shape: [rows, 2] },
    y: values.slice(rows * index, rows * (index + 1)),
  }
}

export async function run(seeds = seedsTo(3)) {
  const { functions, rows: size, trainingSets } = JSON.parse(read('functions.json').toString())
  const points = numbers('points.f64')
  const rows = []
  for (const { name, scipy, lowestY, highestY } of functions) {
    const values = numbers(`${name}.f64`)
    const test = block(points, values, { index: trainingSets, rows: size })
    const { results, seconds } = await eachSeed(seeds, async seed => {
      const train = block(points, values, { index: (seed - 1) % trainingSets, rows: size })
      const model = new Kan({ ...scienceModel, layers: [2, 5, 1], grid: ladder[0], domain: [0, 1], seed })
      const regularization = { order: 4, lambda: 1e-18, ridge: 1e-14 }
      const gridUpdate = { uniform: 1, margin: 0.1 }
      return best(await climb(model, { train, test, ladder, steps: 30, starts: 4, regularization, gridUpdate }))
    })
    const label = `${scipy.replace('scipy.special.', '')}, y in [${lowestY}, ${highestY}]`
    rows.push(row({ name: label, values: results, anchor: published[name], source, seconds }))
  }
  const reached = rows.filter(({ better }) => better).length
  rows.push(row({ name: 'functions at or below', values: [reached], anchor: null, goal: 12, higher: true, source }))
  printRows('Special functions, [2, 5, 1]: test RMSE on the best grid up to 50', rows)
  return rows
}
