// Measures how exact kanode is, beside published figures: `npm run bench:accuracy [-- name… --seeds=n --save]`.
import { parseArgs } from 'node:util'
import { runtime } from 'kanode'
import { machine, save } from '../common/report.mjs'
import { seedsTo } from './helpers.mjs'

const figures = ['staircase', 'toys', 'special', 'poisson', 'gaussians', 'hello', 'tables', 'classes', 'defaults']

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: { seeds: { type: 'string' }, save: { type: 'boolean', default: false } },
})
const unknown = positionals.find(name => !figures.includes(name))
const count = given.seeds === undefined ? undefined : Number(given.seeds)
if (unknown !== undefined || (count !== undefined && !(Number.isInteger(count) && count >= 1))) {
  console.error(`usage: npm run bench:accuracy [-- name… --seeds=n --save], with names of ${figures.join(', ')}`)
  process.exit(2)
}

const seeds = count === undefined ? undefined : seedsTo(count)
const { version, backend, threads } = runtime()
const versions = { kanode: version, backend, threads, node: process.version }
console.log(`${machine()}\nkanode ${version} (${backend}, ${threads} threads), Node.js ${process.version}, f64`)
console.log(
  `seeds ${seeds?.join(', ') ?? '1 to 3 (5 for toys, 10 for hello and tables)'}; the median of them unless said`,
)

const measured = {}
let failed = false
for (const name of positionals.length > 0 ? positionals : figures) {
  const { run } = await import(`./${name}.mjs`)
  const began = performance.now()
  try {
    const rows = await run(seeds)
    const command = `npm run bench:accuracy -- ${name}${seeds === undefined ? '' : ` --seeds=${seeds.length}`}`
    measured[name] = { command, date: new Date().toISOString().slice(0, 10), machine: machine(), versions, rows }
    failed ||= rows.some(({ better }) => better === false)
  } catch (error) {
    failed = true
    console.error(`\n${name} failed:`, error)
  }
  console.log(`  ${name}: ${((performance.now() - began) / 1000).toFixed(1)} s`)
}

if (given.save) save('accuracy', measured)
process.exitCode = failed ? 1 : 0
