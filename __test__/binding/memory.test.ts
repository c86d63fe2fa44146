/** Memory is given back: by the garbage collector in time, by `dispose` at once. */
import test from 'ava'
import { Kan } from 'kanode'
import { memory, pause, resident, settled, surface } from './helpers.js'

const data = surface(100)

test.serial('1,000 models created, fitted and dropped leave memory flat', async t => {
  const round = async (models: number) => {
    for (let i = 0; i < models; i++) {
      const model = new Kan({ layers: [2, 5, 1], seed: i })
      await model.fit(data, { steps: 2 })
      await model.predict(data.x)
    }
    return resident()
  }
  await round(200)
  const before = await round(100)
  const after = await round(1000)
  t.true(after - before < 16, `grew by ${(after - before).toFixed(1)} MB`)
})

test.serial('large models that are dropped are collected, because V8 knows their size', async t => {
  const before = await resident()
  for (let i = 0; i < 60; i++) {
    new Kan({ layers: [500, 200], grid: 10 })
    await pause(0)
  }
  // 60 models of 12 MB each.
  t.true((await resident()) - before < 200)
})

test.serial('fitted models that are dropped are collected, what their optimisers remember as well', async t => {
  const round = async () => {
    const model = new Kan({ layers: [100, 200, 50], grid: 10 })
    const x = { data: new Float64Array(400).map((_, i) => Math.sin(i)), shape: [4, 100] as const }
    await model.fit({ x, y: { data: new Float64Array(200).map((_, i) => Math.cos(i)), shape: [4, 50] } }, { steps: 12 })
  }
  await round()
  const before = await resident()
  let most = 0
  for (let i = 0; i < 24; i++) {
    await round()
    most = Math.max(most, memory())
    await pause(0)
  }
  // A model with its state is about 80 MB; 24 of them are 1.9 GB.
  t.true(most - before < 700, `grew by ${Math.round(most - before)} MB`)
})

for (const way of ['fit', 'fitSteps'] as const) {
  test.serial(`the data is not kept in JavaScript during a ${way}`, async t => {
    const before = process.memoryUsage().arrayBuffers / 1e6
    const controller = new AbortController()
    const model = new Kan({ layers: [2, 1] })
    const begin = () => {
      const [rows, { signal }] = [1_000_000, controller]
      const x = { data: new Float64Array(2 * rows).map((_, i) => i % 7), shape: [rows, 2] as const }
      const samples = { x, y: new Float64Array(rows).map((_, i) => i % 5) }
      if (way === 'fit') return model.fit(samples, { steps: 1e9, signal })
      const steps = model.fitSteps(samples, { steps: 1e9, signal })
      return steps
        .next()
        .then(() => steps.next())
        .then(() => steps)
    }
    const running = begin()
    running.catch(() => {})
    await pause(100)
    await settled()
    // There are 24 MB of the user's and as many of the copy.
    const held = process.memoryUsage().arrayBuffers / 1e6 - before
    controller.abort()
    await t.throwsAsync(way === 'fit' ? running : running.then(async steps => drain(steps)), { name: 'AbortError' })
    t.true(held < 12, `${Math.round(held)} MB are held`)
  })
}

async function drain(steps: unknown): Promise<void> {
  for await (const _ of steps as AsyncIterable<unknown>);
}

test.serial('dispose frees at once, in a synchronous loop too', async t => {
  const before = await resident()
  let most = 0
  for (let i = 0; i < 60; i++) {
    new Kan({ layers: [500, 200], grid: 10 }).dispose()
    most = Math.max(most, memory())
  }
  t.true(most - before < 150, `grew by ${Math.round(most - before)} MB`)
})

test.serial('what using holds is freed at the end of its block', t => {
  let outside: Kan
  {
    using model = new Kan({ layers: [1, 1] })
    outside = model
  }
  t.throws(() => outside.predictSync([1]), { code: 'ERR_KAN_DISPOSED' })
})
