/** Memory is given back: by the garbage collector in time, by `dispose` at once. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { Kan } from 'kanode'
import { pause, resident, surface } from './helpers.js'

setFlagsFromString('--expose-gc')
globalThis.gc = runInNewContext('gc') as typeof globalThis.gc

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

test.serial('dispose frees at once, in a synchronous loop too', async t => {
  const before = await resident()
  let most = 0
  for (let i = 0; i < 60; i++) {
    new Kan({ layers: [500, 200], grid: 10 }).dispose()
    most = Math.max(most, process.memoryUsage.rss() / 1e6)
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
