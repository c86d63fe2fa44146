/**
 * Below the facade: whatever reaches native code by mistake is refused there as well. No size wraps around, nothing
 * aborts the process, and every error is JSON with a code.
 */
import { createRequire } from 'node:module'
import path from 'node:path'
import test from 'ava'
import type * as Native from '../../src/native.cjs'
import { root } from './helpers.js'

const { NativeModel, NativeTable, runtime, shutdown } = createRequire(path.join(root, 'package.json'))(
  './dist/loader/binding.js',
).loadBinding() as typeof Native

const specification = JSON.stringify({ layers: [2, 3, 1], dtype: 'f64' })
const noEvents = () => {}

function codeOf(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    return codeIn((error as Error).message)
  }
  return 'none'
}

function codeIn(json: string): string {
  try {
    const { code, message } = JSON.parse(json) as { code: string; message: string }
    return typeof message === 'string' ? code : 'no message'
  } catch {
    return json
  }
}

const notSizes = [-1, Number.NaN, 0.5, 1e300, Number.POSITIVE_INFINITY]

test('sizes that are none are refused', async t => {
  const model = new NativeModel(specification)
  const [x, out] = [new Float64Array(2), new Float64Array(1)]
  for (const size of notSizes) {
    const codes = [
      codeOf(() => model.predictSync(x, size, out)),
      codeOf(() => model.cost(size)),
      codeOf(() => model.edge(size, 0, 0)),
      codeOf(() => model.edgeCurve(0, size, 0, x, new Float64Array(2))),
      await outcome(() => model.predict(x, size, 0, 'cpu')),
      await outcome(() => model.predict(x, 1, size, 'cpu')),
      await outcome(() => model.evaluate({ x, y: out, rows: size }, 0, 'cpu')),
      await outcome(() => model.fit({ x, y: out, rows: size }, null, '{"steps":1}', noEvents)),
    ]
    t.deepEqual(codes, Array(8).fill('ERR_KAN_OPTION'), `${size}`)
  }
})

test('sizes that do not fit the arrays are refused', async t => {
  const model = new NativeModel(specification)
  const [x, out] = [new Float64Array(2), new Float64Array(1)]
  for (const rows of [0, 2, 2 ** 32, 2 ** 53 - 1]) {
    const codes = [
      codeOf(() => model.predictSync(x, rows, out)),
      await outcome(() => model.predict(x, rows, 0, 'cpu')),
      await outcome(() => model.fit({ x, y: out, rows }, null, '{"steps":1}', noEvents)),
    ]
    t.deepEqual(codes, Array(3).fill('ERR_KAN_SHAPE'), `${rows} rows`)
  }
  for (const index of [3, 2 ** 32, 2 ** 53 - 1]) {
    t.is(
      codeOf(() => model.edge(index, 0, 0)),
      'ERR_KAN_OPTION',
      `edge ${index}`,
    )
  }
  t.is(
    codeOf(() => model.predictSync(x, 1, new Float64Array(2))),
    'ERR_KAN_SHAPE',
  )
})

test('specifications that are none are refused', t => {
  const texts = [
    '',
    'null',
    '[]',
    '{}',
    '{"layers":[2]}',
    '{"layers":[2,-1]}',
    '{"layers":[2,1.5]}',
    '{"layers":[2,1],"grid":0}',
    '{"layers":[2,1],"grid":1e300}',
    '{"layers":[2,1],"degree":6}',
    '{"layers":[2,1],"gird":5}',
    '{"layers":[2,1],"dtype":"f16"}',
    '{"layers":[2,1],"seed":-1}',
  ]
  for (const text of texts)
    t.is(
      codeOf(() => new NativeModel(text)),
      'ERR_KAN_OPTION',
      text,
    )
  const huge = JSON.stringify({ layers: [4294967295, 4294967295], grid: 4096 })
  t.is(
    codeOf(() => new NativeModel(huge)),
    'ERR_KAN_MEMORY',
  )
})

test('cells that are no numbers are refused', async t => {
  const model = new NativeModel(specification)
  for (const cell of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const x = Float64Array.of(1, cell)
    const data = { x, y: Float64Array.of(1), rows: 1 }
    const codes = [
      codeOf(() => model.predictSync(x, 1, new Float64Array(1))),
      await outcome(() => model.predict(x, 1, 0, 'cpu')),
      await outcome(() => model.evaluate(data, 0, 'cpu')),
      await outcome(() => model.fit(data, null, '{}', noEvents)),
    ]
    t.deepEqual(codes, Array(4).fill('ERR_KAN_NUMBER'))
  }
  t.is(
    codeOf(() => model.setParameters(new Float64Array(90).fill(Number.NaN))),
    'ERR_KAN_NUMBER',
  )
  t.is(
    codeOf(() => model.setParameters(new Float64Array(3))),
    'ERR_KAN_SHAPE',
  )
})

async function outcome(call: () => Promise<Native.NativeOutcome>): Promise<string> {
  try {
    const { ok, error } = await call()
    return ok ? 'none' : codeIn(error ?? '')
  } catch (error) {
    return codeIn((error as Error).message)
  }
}

test('data and options of a fit that do not fit are refused, and the model stays usable', async t => {
  const model = new NativeModel(specification)
  const good = { x: Float64Array.of(1, 2, 3, 4), y: Float64Array.of(1, 2), rows: 2 }
  const fit = (data: Native.NativeData, options = '{"steps":1}') =>
    outcome(() => model.fit(data, null, options, noEvents))
  t.is(await fit({ ...good, rows: 3 }), 'ERR_KAN_SHAPE')
  t.is(await fit({ ...good, rows: 0 }), 'ERR_KAN_SHAPE')
  t.regex(await fit({ ...good, rows: -1 }), /^ERR_KAN_/)
  t.is(await fit({ x: new Float64Array(0), y: new Float64Array(0), rows: 0 }), 'ERR_KAN_EMPTY')
  t.is(await fit({ ...good, weights: Float64Array.of(1) }), 'ERR_KAN_SHAPE')
  t.regex(await fit({ ...good, weights: Float64Array.of(1, -1) }), /^ERR_KAN_/)
  for (const options of [
    '',
    '[]',
    '{"step":1}',
    '{"steps":-1}',
    '{"optimizer":"lbfgs"}',
    '{"checkpoint":{"path":"x"}}',
  ]) {
    t.is(await fit(good, options), 'ERR_KAN_OPTION', options)
  }
  t.is(await fit(good), 'none')
})

test('arguments of the wrong type never reach the code behind them', t => {
  const model = new NativeModel(specification)
  const wrong = [undefined, null, 3, 'x', {}, [1, 2], new Float32Array(2), new DataView(new ArrayBuffer(16))]
  for (const value of wrong) {
    const any = value as never
    t.throws(() => model.predictSync(any, 1, new Float64Array(1)))
    t.throws(() => model.parameters(any))
    t.throws(() => NativeModel.decode(value instanceof DataView ? (3 as never) : any))
    t.throws(() => model.fit(any, null, '{}', noEvents))
  }
  t.throws(() => model.fit({ x: new Float64Array(2), y: new Float64Array(1), rows: 1 }, null, '{}', 3 as never))
  t.throws(() => NativeModel.prototype.describe.call({} as never), { instanceOf: TypeError })
  t.is(
    codeOf(() => model.predictSync(new Float64Array(2), 1, new Float64Array(1))),
    'none',
  )
})

test('a detached array counts as empty', t => {
  const model = new NativeModel(specification)
  const x = new Float64Array(2)
  structuredClone(x, { transfer: [x.buffer] })
  t.is(
    codeOf(() => model.predictSync(x, 1, new Float64Array(1))),
    'ERR_KAN_SHAPE',
  )
})

test('tables refuse columns that they do not have', t => {
  const table = NativeTable.parse(Buffer.from('a,b\n1,x\n'), '{}')
  t.is(
    codeOf(() => table.isText(2)),
    'ERR_KAN_OPTION',
  )
  t.is(
    codeOf(() => table.text(0)),
    'ERR_KAN_OPTION',
  )
  t.is(
    codeOf(() => table.numbers(1, new Float64Array(1))),
    'ERR_KAN_OPTION',
  )
  t.is(
    codeOf(() => table.numbers(0, new Float64Array(2))),
    'ERR_KAN_SHAPE',
  )
  t.is(
    codeOf(() => NativeTable.parse(Buffer.from('a\n'), '{"x":1}')),
    'ERR_KAN_OPTION',
  )
})

test('shutting down joins what ran, and leaves nothing to join', async t => {
  const model = new NativeModel(specification)
  const data = { x: new Float64Array(200).map((_, i) => Math.sin(i)), y: new Float64Array(100).fill(1), rows: 100 }
  const fits = [model, new NativeModel(specification)].map(one => one.fit(data, null, '{"steps":1000000000}', noEvents))
  t.true(shutdown() >= 2)
  t.is(shutdown(), 0)
  for (const { report } of await Promise.all(fits)) t.regex(report ?? '', /"stop":"cancelled"/)
})

test('what computes is told', t => {
  t.true(JSON.parse(runtime()).threads >= 1)
})
