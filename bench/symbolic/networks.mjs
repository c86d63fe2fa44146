// From trained networks to formulas: hello-KAN with and without noise, and networks with two hidden nodes, two hidden
// layers and a product node, ten seeds each. A seed is solved if `best()` has the law's values, to 1e-9 (with noise: to a
// few times its constants' errors), in the box of the data and 30 % beyond.
//
//   node bench/symbolic/networks.mjs [name …]
import { Formula, Kan } from 'kanode'

const problems = [
  {
    name: 'hello',
    law: 'exp(sin(pi*x) + y^2)',
    box: [
      [-1, 1],
      [-1, 1],
    ],
    layers: [2, 1, 1],
    noise: 0,
  },
  {
    name: 'hello-noise',
    law: 'exp(sin(pi*x) + y^2)',
    box: [
      [-1, 1],
      [-1, 1],
    ],
    layers: [2, 1, 1],
    noise: 0.01,
  },
  {
    name: 'two-nodes',
    law: 'exp(w - x) + sqrt(y + z^2)',
    box: [
      [0.5, 2],
      [0.5, 2],
      [0.5, 2],
      [0.5, 2],
    ],
    layers: [4, 2, 1],
    // Each hidden node sees two inputs.
    pruned: [
      [0, 1],
      [1, 1],
      [2, 0],
      [3, 0],
    ],
    noise: 0,
  },
  {
    name: 'two-layers',
    law: 'log(x + 2*y^2)',
    box: [
      [0.5, 2],
      [0.5, 2],
    ],
    layers: [2, 1, 1, 1],
    noise: 0,
  },
  {
    name: 'product',
    law: '(x^2 + 1)*sin(2*y)',
    box: [
      [0.5, 2],
      [-1, 1],
    ],
    layers: [2, { products: [2] }, 1],
    noise: 0,
  },
]

const rows = 1000
const seeds = 10

/** Numbers between 0 and 1 that look random, the same for the same seed (mulberry32). */
function generator(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

function draw({ law, box, noise }, seed) {
  const random = generator(1000 + seed)
  const formula = Formula.parse(law, { variables: box.length === 2 ? ['x', 'y'] : ['w', 'x', 'y', 'z'] })
  const x = Array.from({ length: rows }, () => box.map(([low, high]) => low + (high - low) * random()))
  const clean = Array.from(formula.evaluate(x))
  const mean = clean.reduce((sum, y) => sum + y, 0) / rows
  const deviation = Math.sqrt(clean.reduce((sum, y) => sum + (y - mean) ** 2, 0) / rows)
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return { x, y: clean.map(y => y + noise * deviation * normal()), formula }
}

function isLaw(found, { formula }, { box, noise }) {
  const random = generator(7)
  const points = Array.from({ length: 256 }, () => box.map(([low, high]) => low + 1.3 * (high - low) * random()))
  const expected = formula.evaluate(points)
  const values = found.evaluate(points, { nonFinite: 'keep' })
  const tolerance = noise > 0 ? 2 * noise : 1e-9
  return expected.every((value, at) => Math.abs(values[at] - value) <= tolerance * (1 + Math.abs(value)))
}

const wanted = process.argv.slice(2)
for (const problem of problems.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  const times = []
  let solved = 0
  for (let seed = 0; seed < seeds; seed++) {
    const data = draw(problem, seed)
    const whole = new Kan({ layers: problem.layers, seed })
    const edges = problem.pruned?.map(([from, to]) => ({ layer: 0, from, to }))
    const model = edges === undefined ? whole : await whole.prune({ x: data.x, y: data.y }, { remove: { edges } })
    await model.fit({ x: data.x, y: data.y }, { optimizer: 'lm' })
    const started = performance.now()
    const best = (await model.symbolic({ x: data.x, y: data.y })).best()
    times.push(performance.now() - started)
    const right = isLaw(best.formula, data, problem)
    if (right) solved++
    else console.log(`  seed ${seed}: ${best.formula.print('text', { digits: 5 })}`)
  }
  times.sort((a, b) => a - b)
  const [median, worst] = [times[seeds / 2], times.at(-1)].map(ms => `${(ms / 1000).toFixed(2)} s`)
  console.log(`${problem.name.padEnd(12)} ${solved} of ${seeds}, a search takes ${median} (median), ${worst} (longest)`)
}
