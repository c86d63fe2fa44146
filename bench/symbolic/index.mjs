// Measures how often the law behind data is found: `npm run bench:symbolic [-- suite… --noise=0,0.01 --save]`. Suites
// are those of problems.json, `unseen` and `drawn`, formulas drawn at random, all for `discover`; and `networks`, for
// `symbolic`.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { discover, Formula, runtime } from 'kanode'
import { Random } from '../accuracy/helpers.mjs'
import { machine, save } from '../common/report.mjs'
import { drawnProblems } from './drawn.mjs'
import { networkProblems, solveNetwork } from './networks.mjs'
import { recovered, scatter } from './recovered.mjs'
import { unseenProblems } from './unseen.mjs'

/**
 * For each suite: the part of the problems to solve at each noise, and seconds for a problem. Some have the same for
 * problems whose names begin with a word (`each`), and a median of seconds, of all or of such problems, without noise.
 */
const suites = {
  nguyen: { seconds: 5, goals: { 0: 1 } },
  constant: { seconds: 5, goals: { 0: 1 } },
  jin: { seconds: 5, goals: { 0: 1 } },
  koza: { seconds: 5, goals: { 0: 1 } },
  keijzer: { seconds: 5, goals: { 0: 13 / 15 } },
  feynman: { seconds: 20, goals: { 0: 0.9, 0.001: 0.7, 0.01: 0.65 }, medians: { '': 0.5 } },
  unseen: { seconds: 20, goals: { 0: 0.75 } },
  drawn: { seconds: 20, goals: { 0: 0.5 } },
  networks: {
    seconds: 20,
    goals: { 0: 0.8, 0.01: 1 },
    each: { hello: 1, 'two-nodes': 0.8, 'two-layers': 0.8, product: 0.8 },
    medians: { hello: 0.5 },
  },
}

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    noise: { type: 'string', default: '0' },
    match: { type: 'string', default: '' },
    seed: { type: 'string', default: '1' },
    each: { type: 'string', default: '12' },
    threads: { type: 'string', default: '0' },
    save: { type: 'boolean', default: false },
  },
})
const levels = given.noise.split(',').map(Number)
const [seed, each, threads] = [given.seed, given.each, given.threads].map(Number)
const names = positionals.length > 0 ? positionals : Object.keys(suites)
const unknown = names.find(name => !(name in suites))
if (unknown !== undefined || [...levels, seed, each, threads].some(number => !(number >= 0))) {
  console.error(
    `usage: npm run bench:symbolic [-- suite… --noise=0,0.001,0.01 --match=name --seed=n --each=n --threads=n --save]\n` +
      `suites: ${Object.keys(suites).join(', ')}`,
  )
  process.exit(2)
}

const published = JSON.parse(readFileSync(new URL('problems.json', import.meta.url), 'utf8'))

/** The problems of a suite. */
function problemsOf(suite, noise) {
  const made = {
    unseen: () => unseenProblems({ seed, each }),
    drawn: () => drawnProblems({ seed, each }, isUsable),
    networks: () => networkProblems(noise),
  }
  const all = made[suite]?.() ?? published.filter(one => one.suite === suite)
  return all.filter(({ name }) => name.startsWith(given.match))
}

/** Whether the law of a problem has a value all over its ranges, of a size that varies, but not by much. */
function isUsable({ formula, variables }) {
  const law = Formula.parse(formula, { variables: variables.map(({ name }) => name) }).compile()
  const random = new Random(3)
  const rows = scatter(
    variables.map(({ low, high }) => [low, high]),
    2000,
    () => random.uniform(),
  )
  const values = rows.map(row => law(...row)).sort((a, b) => a - b)
  const [low, high] = [quantile(values, 0.05), quantile(values, 0.95)]
  const [least, most] = [values[0], values.at(-1)]
  return values.every(Number.isFinite) && high - low > 0.1 && most - least < 20 * (high - low)
}

/** The law of a problem, its ranges, and rows of data with noise of a part of the target's spread. */
function dataOf({ formula, mathjs, variables }, noise, random) {
  const columns = variables.map(({ name }) => name)
  const law = Formula.parse(mathjs ?? formula.replaceAll('**', '^'), { variables: columns }).compile()
  const ranges = variables.map(({ low, high }) => [low, high])
  const finite = row => Number.isFinite(law(...row))
  const [{ sampling, step = 0.1, count = 2000 }] = variables
  const grid = sampling === 'grid' && variables.length === 1
  const [[low, high]] = ranges
  const x = grid
    ? Array.from({ length: Math.floor((high - low) / step + 1.5) }, (_, at) => [low + at * step]).filter(finite)
    : Array.from({ length: count }, () => {
        for (;;) {
          const [row] = scatter(ranges, 1, () => random.uniform())
          if (finite(row)) return row
        }
      })
  const clean = x.map(row => law(...row))
  const mean = clean.reduce((sum, y) => sum + y, 0) / clean.length
  const spread = Math.sqrt(clean.reduce((sum, y) => sum + (y - mean) ** 2, 0) / clean.length)
  const y = clean.map(value => value + noise * spread * random.normal())
  return { law: row => law(...row), ranges, data: { x, y, featureNames: columns } }
}

async function discovered(problem, place, noise, options) {
  const { law, ranges, data } = dataOf(problem, noise, new Random(1000 * seed + place))
  const began = performance.now()
  const best = (await discover(data, options)).best()
  const seconds = (performance.now() - began) / 1000
  const compiled = best.formula.compile()
  return { best, seconds, solved: recovered(row => compiled(...row), law, ranges, 7 + place) }
}

async function solve(suite, problem, place, noise) {
  const options = { timeLimit: suites[suite].seconds, ...(threads > 0 ? { threads } : {}) }
  const { best, seconds, solved } =
    suite === 'networks'
      ? await solveNetwork(problem, noise, options)
      : await discovered(problem, place, noise, options)
  const { complexity } = best
  return { name: problem.name, solved, seconds, complexity, formula: best.print('text', { digits: 6 }) }
}

/** Which goals of a suite its rows reach. */
function verdicts({ goals, each = {}, medians = {} }, noise, rows) {
  const among = start => rows.filter(({ name }) => name.startsWith(start))
  const parts = Object.entries({ ...(goals[noise] === undefined ? {} : { '': goals[noise] }), ...each })
  const solved = parts.map(([start, goal]) => {
    const some = among(start)
    const reached = some.filter(row => row.solved).length >= goal * some.length - 1e-9
    return { what: `goal ${Math.round(100 * goal)} % of ${start || 'all'}`, reached }
  })
  const fast = Object.entries(noise === 0 ? medians : {}).map(([start, goal]) => {
    const reached =
      quantile(
        among(start).map(({ seconds }) => seconds),
        0.5,
      ) <= goal
    return { what: `goal ${goal} s for the median of ${start || 'all'}`, reached }
  })
  return [...solved, ...fast]
}

const quantile = (values, part) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(part * values.length))]
const cut = (text, width) => (text.length > width ? `${text.slice(0, width - 1)}…` : text)

const { version, threads: cores } = runtime()
const versions = { kanode: version, threads: threads || cores, node: process.version }
console.log(`${machine()}\nkanode ${version} (${versions.threads} threads), Node.js ${process.version}`)

const measured = {}
let failed = false
for (const suite of names) {
  const { seconds } = suites[suite]
  for (const noise of levels) {
    const rows = []
    console.log(`\n${suite}, noise ${noise}, at most ${seconds} s each`)
    for (const [place, problem] of problemsOf(suite, noise).entries()) {
      const row = await solve(suite, problem, place, noise)
      rows.push(row)
      const cells = [row.solved ? 'solved' : '–', row.name.padEnd(14), `${row.seconds.toFixed(2)} s`.padStart(8)]
      console.log(
        `  ${cells[0].padEnd(6)}  ${cells[1]}  ${cells[2]}  ${String(row.complexity).padStart(5)}  ${cut(row.formula, 90)}`,
      )
    }
    if (rows.length === 0) continue
    const solved = rows.filter(row => row.solved).length
    const times = rows.map(row => row.seconds)
    const summary = { problems: rows.length, solved, median: quantile(times, 0.5), p95: quantile(times, 0.95) }
    console.log(
      `  ${solved} of ${rows.length} solved; median ${summary.median.toFixed(2)} s, 95 % within ${summary.p95.toFixed(2)} s`,
    )
    for (const { what, reached } of given.match === '' ? verdicts(suites[suite], noise, rows) : []) {
      failed ||= !reached
      console.log(`  ${what}: ${reached ? 'reached' : 'MISSED'}`)
    }
    const kinds = suite === 'unseen' || suite === 'drawn' ? ` --seed=${seed} --each=${each}` : ''
    const command = `npm run bench:symbolic -- ${suite} --noise=${noise}${kinds}`
    const date = new Date().toISOString().slice(0, 10)
    if (given.match === '')
      measured[`${suite} ${noise}`] = { command, date, machine: machine(), versions, ...summary, rows }
  }
}

if (given.save) save('symbolic', measured)
process.exitCode = failed ? 1 : 0
