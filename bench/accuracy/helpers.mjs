// What the figures share: seeded samples, the ladder of grids, and how a figure is judged and printed.

/** Random numbers of a seed: sfc32 by Chris Doty-Humphrey (PractRand), 53 bits for each number. */
export class Random {
  #state

  constructor(seed) {
    this.#state = Uint32Array.of(seed, 0x9e3779b9, 0x243f6a88, 1)
    for (let i = 0; i < 20; i++) this.#next()
  }

  #next() {
    const s = this.#state
    const sum = (s[0] + s[1] + s[3]) >>> 0
    s[3] += 1
    s[0] = s[1] ^ (s[1] >>> 9)
    s[1] = s[2] + (s[2] << 3)
    s[2] = ((s[2] << 21) | (s[2] >>> 11)) + sum
    return sum
  }

  /** A number from `low` to below `high`. */
  uniform(low = 0, high = 1) {
    const bits = (this.#next() >>> 5) * 2 ** 26 + (this.#next() >>> 6)
    return low + ((high - low) * bits) / 2 ** 53
  }

  /** A number of the normal distribution, by the method of Box and Muller. */
  normal(deviation = 1) {
    return deviation * Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform())
  }
}

/** Rows that are uniform in a cube, and a function of them. */
export function sample(f, { inputs, rows, random, domain = [-1, 1] }) {
  const x = Array.from({ length: rows }, () => Array.from({ length: inputs }, () => random.uniform(...domain)))
  return { x, y: x.map(row => f(...row)) }
}

/** 1000 rows to learn from and 1000 others to test on. */
export function samples(f, inputs, seed) {
  const random = new Random(seed)
  return [1, 2].map(() => sample(f, { inputs, rows: 1000, random }))
}

/** `exp(sin πx + y²)`, the function of the staircase and of hello-KAN. */
export const expSine = (x, y) => Math.exp(Math.sin(Math.PI * x) + y * y)

/**
 * The Bessel function J₀ by Bessel's integral, the mean of `cos(x sin θ)` over `[0, π]`. With `n` midpoints the error
 * is about `2·J₂ₙ(x)`, which for `n = 100` and `|x| ≤ 20` is far below rounding.
 */
export function besselJ0(x, n = 100) {
  let sum = 0
  for (let i = 0; i < n; i++) sum += Math.cos(x * Math.sin((Math.PI * (i + 0.5)) / n))
  return sum / n
}

/** Options of a model for a function without noise: inputs and targets as they are, no base function. */
export const scienceModel = { base: 'zero', standardize: false, hiddenDomain: [-3, 3] }

/** Numbers 1 … count. */
export const seedsTo = count => Array.from({ length: count }, (_, i) => i + 1)

/**
 * Trains a model on one grid after the other, and measures it on the test data after each.
 *
 * @returns {Promise<{ grid: number, rmse: number }[]>}
 */
export async function climb(model, { train, test, ladder, starts, ...options }) {
  const levels = []
  for (const [level, grid] of ladder.entries()) {
    if (level > 0) model.refine({ grid })
    await model.fit(train, { optimizer: 'lm', ...options, ...(level === 0 ? { starts } : {}) })
    levels.push({ grid, rmse: (await model.evaluate(test)).rmse })
  }
  return levels
}

/** The lowest error of a ladder. */
export const best = levels => Math.min(...levels.map(({ rmse }) => rmse))

/** Runs a task for each seed, one after the other: what it returned, and its seconds. */
export async function eachSeed(seeds, task) {
  const results = []
  const seconds = []
  for (const seed of seeds) {
    const began = performance.now()
    results.push(await task(seed))
    seconds.push((performance.now() - began) / 1000)
  }
  return { results, seconds: median(seconds) }
}

/** The middle value, or the mean of the two in the middle. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle) - 1]) / 2
}

export const mean = values => values.reduce((sum, value) => sum + value, 0) / values.length

/**
 * A line of a figure.
 *
 * @param {object} line
 * @param {string} line.name
 * @param {readonly number[]} line.values one of each seed; one that is not finite misses every goal
 * @param {number | null} line.anchor what others have published
 * @param {number} [line.goal] what to reach; the anchor unless given
 * @param {string} line.source where the anchor stands
 * @param {boolean} [line.higher] whether more is better
 * @param {'median' | 'mean' | 'worst'} [line.by] what has to reach the goal
 * @param {number} [line.seconds] for one seed
 */
export function row({ name, values, anchor, goal = anchor, source, higher = false, by = 'median', seconds = null }) {
  const worst = Math[higher ? 'min' : 'max'](...values)
  const ours = by === 'mean' ? mean(values) : median(values)
  const judged = by === 'worst' ? worst : ours
  const better = values.every(Number.isFinite) && (higher ? judged >= goal : judged <= goal)
  return { name, ours, worst, anchor, goal, by, better, source, seconds, values }
}

/** Prints the lines of a figure with what each has reached, and where the published numbers stand. */
export function printRows(title, rows) {
  const sources = [...new Set(rows.map(({ source }) => source))]
  const titles = ['', 'ours', 'worst', 'published', 'goal', '', 's a seed']
  const cells = rows.map(({ name, ours, worst, anchor, goal, by, better, source, seconds }) => {
    const verdict = `${better ? 'reached' : 'MISSED'}${by === 'median' ? '' : ` (${by})`}`
    const mark = sources.length > 1 ? ` [${sources.indexOf(source) + 1}]` : ''
    return [`${name}${mark}`, ...[ours, worst, anchor, goal].map(short), verdict, short(seconds)]
  })
  const widths = titles.map((_, column) => Math.max(...[titles, ...cells].map(line => line[column].length)))
  const print = line => console.log(`  ${line.map((cell, column) => cell.padEnd(widths[column])).join('  ')}`.trimEnd())
  console.log(`\n${title}`)
  for (const line of [titles, ...cells]) print(line)
  for (const [i, source] of sources.entries()) console.log(`  ${sources.length > 1 ? `[${i + 1}] ` : ''}${source}`)
}

function short(value) {
  if (value === null) return '–'
  if (value !== 0 && Math.abs(value) < 0.01) return value.toExponential(1)
  return String(Number(value.toPrecision(4)))
}
