import { Kan } from 'kanode'
import { expect, test } from 'vitest'
import { Random } from '../accuracy/helpers.mjs'
import { PlainKan } from './kan.mjs'
import { cellPolynomials } from './splines.mjs'

const uniform = (count, seed, low = -1, high = 1) => {
  const random = new Random(seed)
  return Float64Array.from({ length: count }, () => random.uniform(low, high))
}

/** A kanode model whose parameters are all drawn anew, spline weights too, and the plain network beside it. */
function twins(layers, grid, batch) {
  const model = new Kan({ layers, grid, degree: 3, domain: [-1, 1], hiddenDomain: [-1, 1], standardize: false })
  model.parameters = uniform(model.parameterCount, 7)
  return [model, PlainKan.from(model, { batch })]
}

test('bases of every interval sum to 1, and those of the ends are clamped', () => {
  for (const grid of [1, 2, 3, 5, 20]) {
    const table = cellPolynomials(grid, [-1, 1])
    for (let cell = 0; cell < grid; cell++) {
      for (let power = 0; power < 4; power++) {
        let sum = 0
        for (let basis = 0; basis < 4; basis++) sum += table[cell * 16 + basis * 4 + power]
        expect(sum).toBeCloseTo(power === 0 ? 1 : 0, 12)
      }
    }
    expect(table[0]).toBe(1)
    const last = table.subarray(-4)
    expect(last[0] + last[1] + last[2] + last[3]).toBeCloseTo(1, 12)
  }
})

test.for([
  [[2, 5, 1], 5],
  [[3, 1], 1],
  [[1, 4, 3, 2], 20],
])('predicts what kanode does, inside the grid and outside it: %j, %i intervals', ([layers, grid]) => {
  const batch = 64
  const [model, plain] = twins(layers, grid, batch)
  // Sums of hidden nodes leave the grid by themselves; inputs do on purpose.
  const x = uniform(batch * layers[0], 3, -1.5, 1.5)
  x.set([-1, 1].slice(0, layers[0]))
  const expected = model.predictSync({ data: x, shape: [batch, layers[0]] }).data
  const found = plain.forward(x, batch)
  const scale = Math.max(...expected.map(Math.abs))
  for (const [n, value] of expected.entries()) expect(Math.abs(found[n] - value)).toBeLessThan(1e-12 * scale)
})

test('the gradient is that of finite differences', () => {
  const [batch, layers] = [9, [2, 3, 2]]
  const [, plain] = twins(layers, 4, batch)
  const x = uniform(batch * 2, 3, -1.2, 1.2)
  const y = uniform(batch * 2, 4)
  plain.gradientOf(x, y, batch)
  const gradient = plain.gradient.slice()
  const scale = Math.max(...gradient.map(Math.abs))
  const h = 1e-5
  for (const [n, value] of plain.parameters.slice().entries()) {
    const at = shifted => {
      plain.parameters[n] = shifted
      return plain.gradientOf(x, y, batch)
    }
    const slope = (at(value + h) - at(value - h)) / (2 * h)
    plain.parameters[n] = value
    // Central differences of a smooth function: h² for the method, 1e-16 / h for rounding.
    expect(Math.abs(slope - gradient[n])).toBeLessThan(1e-8 * scale)
  }
})

test('the first step of Adam moves each parameter by the learning rate, against its gradient', () => {
  const batch = 16
  const [, plain] = twins([2, 3, 1], 5, batch)
  const before = plain.parameters.slice()
  plain.step(uniform(batch * 2, 3), uniform(batch, 4), batch, 0.01)
  for (const [n, g] of plain.gradient.entries()) {
    expect(plain.parameters[n] - before[n]).toBeCloseTo(Math.abs(g) < 1e-6 ? 0 : -0.01 * Math.sign(g), 3)
  }
})

test('steps of Adam learn', () => {
  const batch = 200
  const random = new Random(1)
  const network = new PlainKan({ layers: [2, 5, 1], batch })
  for (let n = 0; n < network.parameters.length; n++) network.parameters[n] = random.normal(0.1)
  const x = uniform(batch * 2, 3)
  const y = Float64Array.from({ length: batch }, (_, s) => Math.exp(Math.sin(Math.PI * x[2 * s]) + x[2 * s + 1] ** 2))
  const first = network.step(x, y, batch)
  let last = first
  for (let i = 0; i < 500; i++) last = network.step(x, y, batch)
  expect(last).toBeLessThan(first / 100)
})
