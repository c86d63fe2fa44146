/** Events are bounded in number and memory, never necessary, and never fatal. */
import test from 'ava'
import { Kan, type TrainingRecord } from 'kanode'
import { collect, pause, prelude, resident, run, surface } from './helpers.js'

const data = surface(50)
const make = () => new Kan({ layers: [2, 3, 1] })
const adam = { optimizer: 'adam' } as const

test.serial('a slow callback loses events, not memory and not the history', async t => {
  const model = make()
  await model.fit(data, { ...adam, steps: 1000 })
  const before = await resident()
  let calls = 0
  const history = await model.fit(data, {
    ...adam,
    steps: 20_000,
    onStep() {
      calls += 1
      for (const end = performance.now() + 2; performance.now() < end; );
    },
  })
  t.is(history.steps, 20_000)
  t.true(history.records.length <= 10_000)
  t.deepEqual([history.records[0]!.step, history.last!.step], [1, 20_000])
  t.true(calls > 0 && calls < 20_000, `${calls} calls`)
  t.true((await resident()) - before < 60)
})

test.serial('a fit of millions of steps settles with a history that is short and even', async t => {
  const x = [[0], [1], [2], [3]]
  const steps = 2_000_000
  const model = new Kan({ layers: [1, 1], grid: 1, degree: 1 })
  const before = await resident()
  const fit = { optimizer: 'sgd', learningRate: 1e-6, steps, restoreBest: false } as const
  const history = await model.fit({ x, y: [0, 1, 4, 9] }, fit)
  t.is(history.steps, steps)
  const at = history.records.map(record => record.step)
  t.true(at.length > 2000 && at.length <= 10_000, `${at.length} records`)
  t.deepEqual([at[0], at.at(-1)], [1, steps])
  const gaps = at.slice(1).map((step, i) => step - at[i]!)
  t.true(Math.max(...gaps) <= steps / 1000)
  t.true((await resident()) - before < 60)
})

test.serial('records are in order, and the last one comes even to a slow callback', async t => {
  const seen: TrainingRecord[] = []
  const history = await make().fit(data, {
    ...adam,
    steps: 5000,
    onStep(record) {
      seen.push(record)
      for (const end = performance.now() + 1; performance.now() < end; );
    },
  })
  t.true(seen.every((record, i) => i === 0 || record.step > seen[i - 1]!.step))
  t.deepEqual(seen.at(-1), history.last)
})

test.serial('a loop that takes its time gets the records that it missed', async t => {
  const seen: number[] = []
  for await (const record of make().fitSteps(data, { steps: 40 })) {
    seen.push(record.step)
    if (seen.length === 1) await pause(100)
  }
  t.deepEqual(
    seen,
    Array.from({ length: 40 }, (_, i) => i + 1),
  )
})

test.serial('no event comes after the promise', async t => {
  for (let i = 0; i < 30; i++) {
    let late = 0
    let settled = false
    await make().fit(data, {
      steps: 20,
      onStep() {
        if (settled) late += 1
      },
    })
    settled = true
    await pause(2)
    t.is(late, 0)
  }
})

test.serial('a callback that throws rejects the fit and not the process', async t => {
  const program = `${prelude}
    const model = make()
    try {
      await model.fit(data, { ...endless, onStep() { throw new Error('mine') } })
    } catch (error) {
      console.log(error.message)
    }
    console.log((await model.fit(data, { steps: 1 })).stop)
  `
  t.like(await run(program), { code: 0, stdout: 'mine\ncompleted\n', stderr: '' })
})

test.serial('an event that arrives for a model that nobody holds any more does no harm', async t => {
  let done = 0
  const fit = () =>
    make()
      .fit(data, { ...adam, steps: 2000, onStep() {} })
      .then(() => (done += 1))
  const fits = Array.from({ length: 10 }, fit)
  for (let i = 0; i < 5; i++) {
    collect()
    await pause(5)
  }
  await Promise.all(fits)
  t.is(done, 10)
})
