// The same function as efficient-kan: its outputs, computed by its own code in float64, are in the fixture.
// fixtures/make_efficient_kan.py says how the fixture was made.
import { readFileSync } from 'node:fs'
import { Kan } from 'kanode'
import { expect, test } from 'vitest'

interface Case {
  layers: number[]
  grid: number
  degree: number
  parameters: { controlPoints: number[]; baseWeight: number[]; splineWeight: number[] }[]
  x: number[][]
  y: number[][]
}

const cases: Case[] = JSON.parse(readFileSync(new URL('../fixtures/efficient-kan.json', import.meta.url), 'utf8'))

test.each(cases)('$layers, grid $grid, degree $degree: the outputs of efficient-kan', example => {
  const { layers, grid, degree, x, y } = example
  const model = new Kan({
    layers,
    grid,
    degree,
    knots: 'extended',
    outside: 'zero',
    domain: [-1, 1],
    hiddenDomain: [-1, 1],
    standardize: false,
  })
  model.parameters = Float64Array.from(
    example.parameters.flatMap(layer => [...layer.controlPoints, ...layer.baseWeight, ...layer.splineWeight]),
  )
  const outputs = model.predictSync(x)
  const largest = Math.max(...y.flat().map(Math.abs))
  for (const [row, expected] of y.entries()) {
    for (const [column, value] of expected.entries()) {
      expect(Math.abs(outputs[row]![column]! - value) / largest, `row ${row}`).toBeLessThan(1e-13)
    }
  }
})
