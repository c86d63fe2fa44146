/** One fit at a time: a second one, and whatever would change the model, is refused, from within a callback too. */
import test from 'ava'
import { Kan, KanError } from 'kanode'
import { surface } from './helpers.js'

const data = surface(200)
const endless = { optimizer: 'adam', steps: 1e9 } as const

async function codeOf(call: () => unknown): Promise<string> {
  try {
    await call()
  } catch (error) {
    return error instanceof KanError ? error.code : String(error)
  }
  return 'none'
}

test('during a fit', async t => {
  const model = new Kan({ layers: [2, 5, 1] })
  const before = model.parameters
  const controller = new AbortController()
  const fit = model.fit(data, { ...endless, signal: controller.signal })
  t.is(await codeOf(() => model.fit(data)), 'ERR_KAN_BUSY')
  t.is(await codeOf(() => model.fitSteps(data).next()), 'ERR_KAN_BUSY')
  t.is(await codeOf(() => model.dispose()), 'ERR_KAN_BUSY')
  t.is(await codeOf(() => (model.parameters = before)), 'ERR_KAN_BUSY')
  controller.abort()
  t.is(await codeOf(() => fit), 'ABORT_ERR')
  model.dispose()
  t.is(await codeOf(() => model.fit(data)), 'ERR_KAN_DISPOSED')
})

test('from within the callback', async t => {
  const model = new Kan({ layers: [2, 5, 1] })
  const codes: string[] = []
  const waits: Promise<unknown>[] = []
  await model.fit(data, {
    steps: 3,
    onStep({ step }) {
      if (step > 1) return
      waits.push(codeOf(() => model.fit(data)).then(code => codes.push(code)))
      waits.push(codeOf(() => model.dispose()).then(code => codes.push(code)))
    },
  })
  await Promise.all(waits)
  t.deepEqual(codes, ['ERR_KAN_BUSY', 'ERR_KAN_BUSY'])
})

test('a refused fit leaves the running one alone', async t => {
  const [alone, disturbed] = [new Kan({ layers: [2, 5, 1] }), new Kan({ layers: [2, 5, 1] })]
  await alone.fit(data, { steps: 30 })
  const fit = disturbed.fit(data, { steps: 30 })
  t.is(await codeOf(() => disturbed.fit({ x: [[9, 9]], y: [9] })), 'ERR_KAN_BUSY')
  await fit
  t.deepEqual(disturbed.parameters, alone.parameters)
})

test('disposing of a model twice is fine', t => {
  const model = new Kan({ layers: [1, 1] })
  model.dispose()
  t.notThrows(() => model.dispose())
})

test('several models train at once', async t => {
  const models = Array.from({ length: 4 }, (_, seed) => new Kan({ layers: [2, 5, 1], seed: seed % 2 }))
  await Promise.all(models.map(model => model.fit(data, { steps: 20 })))
  t.deepEqual(models[0]!.parameters, models[2]!.parameters)
  t.notDeepEqual(models[0]!.parameters, models[1]!.parameters)
})

test('grids and smaller models', async t => {
  const model = new Kan({ layers: [2, 5, 1] })
  await model.fit(data, { steps: 5 })
  const controller = new AbortController()
  const fit = model.fit(data, { ...endless, signal: controller.signal })
  t.is(await codeOf(() => model.refine({ grid: 10 })), 'ERR_KAN_BUSY')
  t.is(await codeOf(() => model.updateGrid(data)), 'ERR_KAN_BUSY')
  t.is(await codeOf(() => model.prune(data, { keep: 3 })), 'ERR_KAN_BUSY')
  t.is(await codeOf(() => model.simplify(data)), 'ERR_KAN_BUSY')
  t.is((await model.scores(data)).nodes.length, 3)
  controller.abort()
  t.is(await codeOf(() => fit), 'ABORT_ERR')
  const pruning = model.prune(data, { keep: 3 })
  t.is(await codeOf(() => model.fit(data)), 'ERR_KAN_BUSY')
  // A node goes with its last edge, so that not every number can be met.
  const kept = (await pruning).simplification!.edges.after
  t.true(kept === 3 || kept === 4)
  const update = model.updateGrid(data)
  t.is(await codeOf(() => model.refine({ grid: 10 })), 'ERR_KAN_BUSY')
  t.is((await update).grid, 5)
  t.is(model.refine({ grid: 10 }).grid, 10)
  t.is(await codeOf(() => model.simplify(data, { signal: AbortSignal.abort() })), 'ABORT_ERR')
  model.dispose()
  t.is(await codeOf(() => model.scores(data)), 'ERR_KAN_DISPOSED')
})
