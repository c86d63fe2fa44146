/** What callbacks and loops hear of a real fit. */
import { Dataset, Kan, type TrainingProgress } from 'kanode'
import { describe, expect, test } from 'vitest'
import { rejected, surface } from './helpers.js'

const data = new Dataset(surface(200))
const make = () => new Kan({ layers: [2, 5, 1] })
const pause = (milliseconds: number) => new Promise(resolve => setTimeout(resolve, milliseconds))

test('an async onStep runs once at a time, and gets the newest record and the last', async () => {
  let [running, most] = [0, 0]
  const seen: number[] = []
  const history = await make().fit(data, {
    optimizer: 'adam',
    steps: 5000,
    async onStep({ step }) {
      running += 1
      most = Math.max(most, running)
      seen.push(step)
      await pause(20)
      running -= 1
    },
  })
  expect([most, running]).toEqual([1, 0])
  expect(seen.at(-1)).toBe(history.last!.step)
  expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b))
  expect(seen.length).toBeLessThan(2500)
})

test('a slow loop sees how the fit stands, and the last record', async () => {
  let newest = 0
  let turns = 0
  let last = 0
  const steps = make().fitSteps(data, {
    optimizer: 'adam',
    steps: 20_000,
    onStep: ({ step }) => {
      newest = step
    },
  })
  for await (const { step } of steps) {
    // After the end come records of the history, which is thinned.
    if (newest < 20_000) expect(newest - step).toBeLessThan(256)
    expect(step).toBeGreaterThan(last)
    last = step
    if (++turns % 50 === 0) await pause(50)
  }
  expect(last).toBe(20_000)
  expect(turns).toBeLessThan(10_000)
})

describe('progress', () => {
  const batches = { optimizer: 'adam', epochs: 3, batchSize: 1 } as const
  const many = new Dataset(surface(4000))

  test('comes within passes of mini-batches', async () => {
    const seen: TrainingProgress[] = []
    const history = await make().fit(many, { ...batches, onProgress: progress => seen.push(progress) })
    expect(seen.length).toBeGreaterThan(0)
    for (const { phase, step, epoch, batch, batches, loss, seconds } of seen) {
      expect(phase).toBe('pass')
      expect(batches).toBe(4000)
      expect(batch).toBeGreaterThan(0)
      expect(batch).toBeLessThan(4000)
      expect(step).toBe(4000 * epoch + batch)
      expect(loss).toBeGreaterThan(0)
      expect(seconds).toBeGreaterThan(0)
    }
    expect(seen.map(({ step }) => step)).toEqual([...new Set(seen.map(({ step }) => step))].sort((a, b) => a - b))
    expect(history.records).toHaveLength(3)
  })

  test('does not come where every step has a record', async () => {
    let calls = 0
    await make().fit(data, { optimizer: 'adam', steps: 20, onProgress: () => calls++ })
    expect(calls).toBe(0)
  })

  test('tells of the starts that are compared before the first step', async () => {
    const seen: TrainingProgress[] = []
    const lm = { optimizer: 'lm', starts: 3, steps: 2 } as const
    await make().fit(data, { ...lm, onProgress: progress => seen.push(progress) })
    expect(seen.length).toBeGreaterThan(0)
    for (const { phase, step, batch, batches } of seen) {
      expect([phase, step, batches]).toEqual(['starts', 0, 3])
      expect(batch).toBeGreaterThan(0)
      expect(batch).toBeLessThanOrEqual(3)
    }
  })

  test('stops the fit by throwing', async () => {
    const mine = new Error('mine')
    const onProgress = () => {
      throw mine
    }
    await expect(make().fit(many, { ...batches, epochs: 1_000_000, onProgress })).rejects.toBe(mine)
    expect(await rejected(make().fit(data, { onProgress: 3 as never }))).toBeInstanceOf(TypeError)
  })
})
