// Solves Poisson's equation u_xx + u_yy = f on the square [-1, 1]², with u given on its edge, and compares the result
// with the true solution sin(πx) sin(πy²). Run it with `node examples/poisson.mjs`.
import { pathToFileURL } from 'node:url'
import { Kan } from 'kanode'

const { PI, sin, cos } = Math

const solution = (x, y) => sin(PI * x) * sin(PI * y * y)
const source = (x, y) => sin(PI * x) * (2 * PI * cos(PI * y * y) - PI * PI * (1 + 4 * y * y) * sin(PI * y * y))

/** Points of a low-discrepancy sequence in [-1, 1]², the same each time. */
const inside = count =>
  Array.from({ length: count }, (_, i) => [2 * ((i * 0.754877666) % 1) - 1, 2 * ((i * 0.569840291) % 1) - 1])

/** Points on the four sides in turn. */
function edge(count) {
  const sides = [u => [-1, u], u => [1, u], u => [u, -1], u => [u, 1]]
  return Array.from({ length: count }, (_, i) => sides[i % 4](2 * ((i * 0.618033989) % 1) - 1))
}

/** Solves the equation; the result is the model, and the root mean squared error on a mesh. */
export async function solve({ nodes = 6, points = 800, steps = 40, grid = [5, 10], onStep } = {}) {
  // Splines of degree 5: the second derivative of cubic ones has kinks.
  const model = new Kan({ layers: [2, nodes, 1], degree: 5, base: 'zero', standardize: false, domain: [-1, 1] })
  const history = await model.fitEquations(
    [
      {
        name: 'equation',
        points: inside(points),
        weight: 0.01,
        residual: ({ u }) => u.d('x', 'x').plus(u.d('y', 'y')).minus(source),
      },
      { name: 'edge', points: edge(points / 4), residual: ({ u }) => u.minus(solution) },
    ],
    { inputs: ['x', 'y'], grid, steps, onStep },
  )
  const mesh = Array.from({ length: 51 * 51 }, (_, i) => [(i % 51) / 25 - 1, Math.floor(i / 51) / 25 - 1])
  const found = model.predictSync(mesh)
  const squares = mesh.map((point, i) => (found[i][0] - solution(...point)) ** 2)
  return { model, history, rmse: Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / mesh.length) }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { model, history, rmse } = await solve()
  console.log(`${history}\n`)
  const { value, first, second } = await model.derivatives([[0.25, 0.5]], { order: 2 })
  console.log(`u(1/4, 1/2)       ${value.data[0].toFixed(6)}, truly ${solution(0.25, 0.5).toFixed(6)}`)
  console.log(`gradient          ${[...first.data].map(number => number.toFixed(4)).join(', ')}`)
  console.log(`u_xx + u_yy − f   ${(second.data[0] + second.data[3] - source(0.25, 0.5)).toExponential(1)}`)
  console.log(`error on a mesh   ${rmse.toExponential(1)} (root mean square)`)
}
