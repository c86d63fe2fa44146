/** Inputs are copied in the synchronous part of a call; outputs are JavaScript's own, so that nothing piles up. */
import test from 'ava'
import { Dataset, Kan } from 'kanode'
import { memory, pause, resident, surface } from './helpers.js'

const clean = surface(300)
const flat = () => Float64Array.from(clean.x.flat())
const shape = [300, 2] as const

test('changing the arrays after the call changes nothing', async t => {
  const [expected, changed] = [new Kan({ layers: [2, 4, 1] }), new Kan({ layers: [2, 4, 1] })]
  await expected.fit({ x: { data: flat(), shape }, y: clean.y }, { steps: 20 })
  const [x, y, weights] = [flat(), Float64Array.from(clean.y), new Float64Array(300).fill(1)]
  const fit = changed.fit({ x: { data: x, shape }, y, weights }, { steps: 20 })
  x.fill(Number.NaN)
  y.fill(Number.NaN)
  weights.fill(-1)
  await fit
  t.deepEqual(changed.parameters, expected.parameters)
})

test('predictions and evaluations are copied as well', async t => {
  const model = new Kan({ layers: [2, 4, 1] })
  const x = flat()
  const expected = await model.predict({ data: x, shape })
  const predicted = model.predict({ data: x, shape })
  const data = new Dataset({ x: { data: x, shape }, y: clean.y })
  const metrics = await model.evaluate(data)
  const evaluated = model.evaluate({ x: { data: x, shape }, y: clean.y })
  x.fill(Number.NaN)
  t.deepEqual(await predicted, expected)
  t.deepEqual(await evaluated, metrics)
  t.deepEqual(await model.evaluate(data), metrics)
})

test('transferring a buffer away after the call changes nothing', async t => {
  const model = new Kan({ layers: [2, 4, 1] })
  const x = flat()
  const expected = await model.predict({ data: x, shape })
  const predicted = model.predict({ data: x, shape })
  structuredClone(x, { transfer: [x.buffer] })
  t.deepEqual(await predicted, expected)
})

test('shared and offset arrays are read from where they begin', async t => {
  const model = new Kan({ layers: [2, 4, 1] })
  const shared = new Float64Array(new SharedArrayBuffer(8 * 602))
  shared.set(flat(), 2)
  const expected = await model.predict(clean.x)
  t.deepEqual(model.predictSync({ data: shared.subarray(2), shape }).data, Float64Array.from(expected.flat()))
  t.deepEqual((await model.predict({ data: shared.subarray(2), shape })).data, Float64Array.from(expected.flat()))
})

test('results of a synchronous loop do not pile up', async t => {
  const model = new Kan({ layers: [1, 1] })
  const rows = 200_000
  const matrix = { data: new Float64Array(rows), shape: [rows, 1] as const }
  model.predictSync(matrix)
  const before = await resident()
  let most = 0
  for (let i = 0; i < 200; i++) {
    model.predictSync(matrix)
    most = Math.max(most, memory())
  }
  await pause(0)
  // 320 MB of results went by.
  t.true(most - before < 160, `grew by ${Math.round(most - before)} MB`)
})
