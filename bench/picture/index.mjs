// Draws bench/results/step.svg from what `npm run bench:peers -- --save` has left: `npm run bench:picture`.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { saved, time } from '../common/report.mjs'
import { stepGroups } from './charts.mjs'
import { barChart } from './svg.mjs'

const file = fileURLToPath(new URL('../results/step.svg', import.meta.url))

const peers = saved('peers')
const groups = stepGroups(peers)
if (groups.length === 0) {
  console.error('There is nothing to draw: run npm run bench:peers -- --save first.')
  process.exit(1)
}
const { machine, threads, dtype, date } = Object.values(peers)[0]
const notes = [
  `${machine}; ${threads} threads used, ${dtype}; ${date}.`,
  'Fastest variant of each; logarithmic scale; in brackets: how many times as long as kanode.',
]
writeFileSync(file, barChart({ title: 'One training step with Adam', notes, groups, tick: time }))
console.log(`${file}: ${groups.length} networks`)
