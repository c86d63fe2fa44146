import { expect, test } from 'vitest'
import { alternate, ratios, timed, unsteady } from './timing.mjs'

test('rivals take turns in every mode, and the middle of their rounds counts', async () => {
  const calls = []
  const rival = (name, times) => ({
    name,
    measure: async mode => {
      calls.push(`${mode} ${name}`)
      return times[mode]?.shift() ?? null
    },
  })
  const rivals = [rival('a', { x: [3, 1, 2], y: [1, 1, 1] }), rival('b', { x: [6, 8, 7] })]
  const results = await alternate(rivals, { modes: ['x', 'y'], rounds: 3, seconds: 1 })
  const turn = ['x a', 'x b']
  expect(calls.slice(0, 6)).toEqual([...turn, ...turn, ...turn])
  expect(results).toEqual({
    x: { a: { ms: 2, rounds: [3, 1, 2] }, b: { ms: 7, rounds: [6, 8, 7] } },
    y: { a: { ms: 1, rounds: [1, 1, 1] } },
  })
})

test('ratios are times of the others by ours, none without ours', () => {
  expect(ratios({ a: { ms: 2 }, b: { ms: 7 } }, 'a')).toEqual({ a: 1, b: 3.5 })
  expect(ratios({ b: { ms: 7 } }, 'a')).toEqual({})
})

test('a function is called again and again, and waited for if it promises', async () => {
  let running = 0
  let calls = 0
  const slow = async () => {
    expect(running++).toBe(0)
    await new Promise(resolve => setTimeout(resolve, 2))
    running--
    calls++
  }
  expect(await timed(slow, 0.01)).toBeGreaterThan(1)
  expect(calls).toBeGreaterThan(2)
  const before = calls
  await timed(slow, 0.0001)
  expect(calls).toBe(before + 1)
  let quick = 0
  expect(await timed(() => quick++, 0.001)).toBeLessThan(1)
  expect(quick).toBeGreaterThan(100)
})

test('rounds that are far apart are told', () => {
  const measured = {
    step: { a: { ms: 2, rounds: [2, 2, 2.9] }, b: { ms: 2, rounds: [2, 3.1, 2] } },
    forward: { a: { ms: 1, rounds: [1] } },
  }
  expect(unsteady(measured)).toEqual(['step of b'])
})
