/** A fit stops when it is told to, wherever from, and keeps what it has learnt. */
import test from 'ava'
import { Kan, KanError, type TrainingHistory } from 'kanode'
import { pause, prelude, run, surface } from './helpers.js'

const data = surface(500)
const steps = 10_000_000

async function stopped(fit: Promise<unknown>): Promise<TrainingHistory> {
  const error: unknown = await fit.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof KanError) || error.name !== 'AbortError') throw error
  return error.details.history as TrainingHistory
}

for (const optimizer of ['lbfgs', 'adam'] as const) {
  test(`${optimizer} stops long before its end when the signal is aborted`, async t => {
    for (const wait of [0, 1, 30]) {
      const model = new Kan({ layers: [2, 5, 1] })
      const controller = new AbortController()
      const fit = model.fit(data, { optimizer, steps, signal: controller.signal })
      await pause(wait)
      controller.abort()
      const history = await stopped(fit)
      t.is(history.stop, 'cancelled')
      t.true(history.records.length < steps / 100)
      t.true(model.parameters.every(Number.isFinite))
    }
  })
}

test('aborting within the callback stops at about that step', async t => {
  const controller = new AbortController()
  let last = 0
  const fit = new Kan({ layers: [2, 5, 1] }).fit(data, {
    optimizer: 'adam',
    steps,
    signal: controller.signal,
    onStep({ step }) {
      last = step
      controller.abort()
    },
  })
  await stopped(fit)
  t.true(last < 1000, `step ${last}`)
})

test('aborting in the middle of a line search leaves a model that works', async t => {
  const model = new Kan({ layers: [2, 20, 20, 1], grid: 20 })
  const before = await model.evaluate(surface(2000))
  const controller = new AbortController()
  const fit = model.fit(surface(2000), { steps, signal: controller.signal })
  await pause(150)
  controller.abort()
  await stopped(fit)
  const after = await model.evaluate(surface(2000))
  t.true(after.rmse <= before.rmse * 1.01)
})

test('aborting after the end changes nothing', async t => {
  const controller = new AbortController()
  const model = new Kan({ layers: [2, 5, 1] })
  await model.fit(data, { steps: 3, signal: controller.signal })
  const before = model.parameters
  controller.abort()
  await pause(10)
  t.deepEqual(model.parameters, before)
  t.is((await model.fit(data, { steps: 2 })).stop, 'completed')
})

test('one signal stops any number of fits, without a warning', async t => {
  const program = `${prelude}
    const controller = new AbortController()
    const { signal } = controller
    const fits = Array.from({ length: 12 }, () => make().fit(data, { ...endless, signal }))
    const short = await make().fit(data, { steps: 2, signal })
    setTimeout(() => controller.abort(), 20)
    const ends = await Promise.allSettled(fits)
    console.log(short.stop, ends.filter(({ reason }) => reason?.name === 'AbortError').length)
  `
  t.like(await run(program), { code: 0, stdout: 'completed 12\n', stderr: '' })
})

test('a signal with an onabort of its own keeps it', async t => {
  const controller = new AbortController()
  let called = 0
  controller.signal.onabort = () => (called += 1)
  const fit = new Kan({ layers: [2, 5, 1] }).fit(data, { steps, signal: controller.signal })
  controller.abort()
  await stopped(fit)
  t.is(called, 1)
})
