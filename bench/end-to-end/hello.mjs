// hello-KAN: exp(sin πx + y²) with [2, 5, 1]; fit, prune, refine, fit, kanode's way and pykan's, in turn.

import { pipeline } from '../accuracy/hello.mjs'
import { median, seedsTo } from '../accuracy/helpers.mjs'
import { table, time, times } from '../common/report.mjs'

async function ours(seed) {
  const began = performance.now()
  const { layers, rmse } = await pipeline(seed)
  return { seconds: (performance.now() - began) / 1000, layers, rmse }
}

/** Runs the pipelines once for each seed. */
export async function run({ peers, rounds }) {
  const rivals = new Map([['kanode', ours]])
  if (peers !== null) rivals.set('pykan', seed => peers.ask('hello', { seed }))
  const runs = Object.fromEntries([...rivals.keys()].map(name => [name, []]))
  for (const seed of seedsTo(rounds)) {
    for (const [name, once] of rivals) runs[name].push(await once(seed))
  }
  const measured = Object.fromEntries(
    Object.entries(runs).map(([name, all]) => {
      const middle = key => median(all.map(one => one[key]))
      return [name, { seconds: middle('seconds'), rmse: middle('rmse'), all }]
    }),
  )
  print(measured, rounds)
  return { layers: [2, 5, 1], measured }
}

function print(measured, rounds) {
  const lines = Object.entries(measured).map(([name, { seconds, rmse, all }]) => [
    name,
    time(1000 * seconds),
    times(seconds / measured.kanode.seconds),
    rmse.toExponential(1),
    [...new Set(all.map(({ layers }) => `[${layers.join(', ')}]`))].join(' '),
  ])
  console.log(`\nhello-KAN, fit, prune, refine and fit: medians of ${rounds} seeds`)
  console.log(table([['', 'all of it', 'of kanode’s', 'test RMSE', 'pruned to'], ...lines]))
}
