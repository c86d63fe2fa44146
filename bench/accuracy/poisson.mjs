// Poisson's equation u_xx + u_yy = f on [-1, 1]² with the solution sin(πx) sin(πy²), learned from the equation inside
// and the values on the edge. Control points are counted as the paper does: edges times G.
import { Kan } from 'kanode'
import { eachSeed, mean, printRows, Random, row, scienceModel, seedsTo } from './helpers.mjs'

const source = 'Liu et al. 2024, arXiv 2404.19756, section 3.4'
const { PI, sin, cos } = Math

const solution = (x, y) => sin(PI * x) * sin(PI * y * y)
const laplacian = (x, y) => sin(PI * x) * (2 * PI * cos(PI * y * y) - PI * PI * (1 + 4 * y * y) * sin(PI * y * y))

/** Points inside, and points on the four sides in turn. */
function pointsOf(seed, { inside = 3000, edge = 800 } = {}) {
  const random = new Random(seed)
  const free = () => random.uniform(-1, 1)
  const sides = [u => [-1, u], u => [1, u], u => [u, -1], u => [u, 1]]
  return {
    inside: Array.from({ length: inside }, () => [free(), free()]),
    edge: Array.from({ length: edge }, (_, i) => sides[i % 4](free())),
  }
}

/** Mean squared error on a mesh of 101 × 101 points. */
function squaredError(model) {
  const mesh = Array.from({ length: 101 * 101 }, (_, i) => [(i % 101) / 50 - 1, Math.floor(i / 101) / 50 - 1])
  const predicted = model.predictSync(mesh)
  return mean(mesh.map((point, i) => (predicted[i][0] - solution(...point)) ** 2))
}

async function solve(degree, seed) {
  const { inside, edge } = pointsOf(seed)
  const model = new Kan({ ...scienceModel, layers: [2, 10, 1], grid: 5, degree, domain: [-1, 1], seed })
  await model.fitEquations(
    [
      {
        points: inside,
        weight: 0.01,
        data: { f: inside.map(point => laplacian(...point)) },
        residual: ({ u, data }) => u.d('x', 'x').plus(u.d('y', 'y')).minus(data.f),
      },
      {
        points: edge,
        weight: 1,
        data: { value: edge.map(point => solution(...point)) },
        residual: ({ u, data }) => u.minus(data.value),
      },
    ],
    { optimizer: 'lm', inputs: ['x', 'y'], steps: 60, grid: [5, 10], gridUpdate: { uniform: 1, margin: 0.05 } },
  )
  return squaredError(model)
}

export async function run(seeds = seedsTo(3)) {
  const rows = []
  for (const [degree, goal] of [
    [3, 2e-8],
    [5, 1e-9],
  ]) {
    const { results, seconds } = await eachSeed(seeds, seed => solve(degree, seed))
    const name = `[2, 10, 1], G = 10, degree ${degree}`
    rows.push(row({ name, values: results, anchor: 5.39e-8, goal, source, seconds }))
  }
  printRows("Poisson's equation, 300 control points: squared L2 error", rows)
  return rows
}
