// Solves Burgers' equation u_t + u u_x = ν u_xx for a wave that travels to the right, from its values at the start and
// at both ends, and compares the result with the true solution. Run it with `node examples/burgers.mjs`.
import { pathToFileURL } from 'node:url'
import { Kan } from 'kanode'

/** Viscosity. */
const nu = 0.1

/** The travelling wave: it falls from 1 to 0 about x = t/2. */
const wave = (x, t) => 0.5 - 0.5 * Math.tanh((x - t / 2) / (4 * nu))

/** Numbers that fill [low, high] evenly, the same each time. */
const spread = (count, step, low, high) =>
  Array.from({ length: count }, (_, i) => low + (high - low) * (((i + 1) * step) % 1))

/** Solves the equation for x in [-1, 1] and t in [0, 1]; the result is the model and its greatest error on a mesh. */
export async function solve({ nodes = 4, points = 600, steps = 60, onStep } = {}) {
  const model = new Kan({ layers: [2, nodes, 1], degree: 5, base: 'zero', standardize: false })
  const x = spread(points, 0.754877666, -1, 1)
  const t = spread(points, 0.569840291, 0, 1)
  const history = await model.fitEquations(
    [
      {
        name: 'equation',
        points: x.map((x, i) => [x, t[i]]),
        weight: 0.1,
        residual: ({ u }) =>
          u
            .d('t')
            .plus(u.times(u.d('x')))
            .minus(u.d('x', 'x').times(nu)),
      },
      { name: 'start', points: x.slice(0, 100).map(x => [x, 0]), residual: ({ u }) => u.minus(wave) },
      { name: 'left end', points: t.slice(0, 50).map(t => [-1, t]), residual: ({ u }) => u.minus(wave) },
      { name: 'right end', points: t.slice(0, 50).map(t => [1, t]), residual: ({ u }) => u.minus(wave) },
    ],
    { inputs: ['x', 't'], steps, onStep },
  )
  const mesh = Array.from({ length: 51 * 51 }, (_, i) => [(i % 51) / 25 - 1, Math.floor(i / 51) / 50])
  const found = model.predictSync(mesh)
  return { model, history, worst: Math.max(...mesh.map((point, i) => Math.abs(found[i][0] - wave(...point)))) }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { model, history, worst } = await solve()
  console.log(`${history}\n`)
  for (const t of [0, 0.5, 1]) {
    const values = model.predictSync([-1, -0.5, 0, 0.5, 1].map(x => [x, t])).map(([u]) => u.toFixed(3))
    console.log(`u(x, ${t}) at x = -1, -0.5, 0, 0.5, 1: ${values.join('  ')}`)
  }
  console.log(`greatest error on a mesh: ${worst.toExponential(1)}`)
}
