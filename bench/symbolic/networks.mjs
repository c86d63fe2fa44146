// From trained networks to formulas: hello-KAN with and without noise, and networks with two hidden nodes, two hidden
// layers and a product node, ten seeds each. A seed is solved if `best()` has the law's values, to 1e-9 (with noise: to
// twice its part of the spread), in the box of the data and 30 % beyond.
import { Formula, Kan } from 'kanode'
import { generator } from './unseen.mjs'

const square = (low, high, count) => Array.from({ length: count }, () => [low, high])

/** Laws with the networks that they are read from; `noisy` ones are tried under noise too. */
const problems = [
  { name: 'hello', law: 'exp(sin(pi*x) + y^2)', box: square(-1, 1, 2), layers: [2, 1, 1], noisy: true },
  {
    name: 'two-nodes',
    law: 'exp(w - x) + sqrt(y + z^2)',
    box: square(0.5, 2, 4),
    layers: [4, 2, 1],
    // Each hidden node sees two inputs.
    pruned: [
      [0, 1],
      [1, 1],
      [2, 0],
      [3, 0],
    ],
  },
  { name: 'two-layers', law: 'log(x + 2*y^2)', box: square(0.5, 2, 2), layers: [2, 1, 1, 1] },
  {
    name: 'product',
    law: '(x^2 + 1)*sin(2*y)',
    box: [
      [0.5, 2],
      [-1, 1],
    ],
    layers: [2, { products: [2] }, 1],
  },
]

const rows = 1000
const seeds = 10

/** The problems of a noise, one for each seed. */
export function networkProblems(noise) {
  const chosen = problems.filter(({ noisy }) => noise === 0 || noisy)
  return chosen.flatMap(problem =>
    Array.from({ length: seeds }, (_, seed) => ({ ...problem, name: `${problem.name}-${seed + 1}`, seed })),
  )
}

function draw({ law, box, seed }, noise) {
  const random = generator(1000 + seed)
  const formula = Formula.parse(law, { variables: box.length === 2 ? ['x', 'y'] : ['w', 'x', 'y', 'z'] })
  const x = Array.from({ length: rows }, () => box.map(([low, high]) => low + (high - low) * random()))
  const clean = Array.from(formula.evaluate(x))
  const mean = clean.reduce((sum, y) => sum + y, 0) / rows
  const deviation = Math.sqrt(clean.reduce((sum, y) => sum + (y - mean) ** 2, 0) / rows)
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return { data: { x, y: clean.map(y => y + noise * deviation * normal()) }, formula }
}

function isLaw(found, law, box, noise) {
  const random = generator(7)
  const points = Array.from({ length: 256 }, () => box.map(([low, high]) => low + 1.3 * (high - low) * random()))
  const expected = law.evaluate(points)
  const values = found.evaluate(points, { nonFinite: 'keep' })
  const tolerance = noise > 0 ? 2 * noise : 1e-9
  return expected.every((value, at) => Math.abs(values[at] - value) <= tolerance * (1 + Math.abs(value)))
}

/** Trains the network of a problem, and searches its formula; the seconds are those of the search. */
export async function solveNetwork(problem, noise, options) {
  const { data, formula } = draw(problem, noise)
  const whole = new Kan({ layers: problem.layers, seed: problem.seed })
  const edges = problem.pruned?.map(([from, to]) => ({ layer: 0, from, to }))
  const model = edges === undefined ? whole : await whole.prune(data, { remove: { edges } })
  await model.fit(data, { optimizer: 'lm' })
  const began = performance.now()
  const best = (await model.symbolic(data, options)).best()
  const seconds = (performance.now() - began) / 1000
  return { best, seconds, solved: isLaw(best.formula, formula, problem.box, noise) }
}
