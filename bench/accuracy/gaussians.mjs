// Continual learning: five Gaussian peaks come one after the other, 100 samples each, to a single spline of 200
// intervals. What a phase learns must not change what others have learned: predictions stay the same, bit for bit,
// wherever no sample of the phase lies within the reach of a basis function.
import { Kan } from 'kanode'
import { eachSeed, printRows, row, seedsTo } from './helpers.mjs'

const source = 'Liu et al. 2024, arXiv 2404.19756, section 3.5'
const centers = [-0.8, -0.4, 0, 0.4, 0.8]
const half = 0.2
const grid = 200
const degree = 3
/** How far the basis functions reach that are not zero at a sample. */
const reach = (degree + 1) * (2 / grid)

const peaks = x => centers.reduce((sum, center) => sum + Math.exp(-300 * (x - center) ** 2), 0)

/** 100 samples of a peak, evenly spaced over its fifth of the domain, both ends included. */
function samplesOf(center) {
  const x = Array.from({ length: 100 }, (_, i) => [center - half + (2 * half * i) / 99])
  return { x, y: x.map(([value]) => peaks(value)) }
}

async function phases(seed) {
  const domain = [-1, 1]
  const model = new Kan({ layers: [1, 1], grid, degree, base: 'zero', standardize: false, domain, seed })
  const probes = Array.from({ length: 5001 }, (_, i) => -1 + (2 * i) / 5000)
  const predict = () => model.predictSync({ data: Float64Array.from(probes), shape: [probes.length, 1] }).data
  const errors = []
  let changed = 0
  for (const [phase, center] of centers.entries()) {
    const before = predict()
    await model.fit(samplesOf(center), { optimizer: 'lm', steps: 30, continual: true })
    const after = predict()
    const untouched = i => Math.abs(probes[i] - center) > half + reach
    changed += after.filter((value, i) => untouched(i) && !Object.is(value, before[i])).length
    // Every peak seen so far counts: the worst of them is the error after this phase.
    const seen = await Promise.all(centers.slice(0, phase + 1).map(seen => model.evaluate(samplesOf(seen))))
    errors.push(Math.max(...seen.map(({ rmse }) => rmse)))
  }
  return { errors, changed }
}

export async function run(seeds = seedsTo(3)) {
  const { results, seconds } = await eachSeed(seeds, phases)
  const rows = centers.map((_, phase) =>
    row({
      name: `RMSE after phase ${phase + 1}, worst of the peaks seen`,
      values: results.map(({ errors }) => errors[phase]),
      anchor: 4e-6,
      source,
    }),
  )
  const values = results.map(({ changed }) => changed)
  const name = `predictions changed beyond the reach of samples (${reach})`
  rows.push(row({ name, values, anchor: null, goal: 0, by: 'worst', source: 'no forgetting', seconds }))
  printRows('Five Gaussian peaks, one after the other, [1, 1], G = 200', rows)
  return rows
}
