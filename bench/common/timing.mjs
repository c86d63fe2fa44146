// How rivals are timed: round after round, each in turn, so that whatever else the machine does meets all of them alike.
import { median } from '../accuracy/helpers.mjs'

/** Calls so short that the clock would be seen are timed together, for at least this many milliseconds. */
const shortest = 0.05

/**
 * Milliseconds of a function, which may return a promise: the median of as many calls as begin within `seconds`, after
 * two that do not count; if the first takes longer than that, it is all there is.
 */
export async function timed(work, seconds) {
  const first = await lasting(work, 1)
  if (first > 1000 * seconds) return first
  const together = Math.ceil(shortest / Math.max(1e-4, await lasting(work, 1)))
  const times = []
  const end = performance.now() + 1000 * seconds
  do times.push(await lasting(work, together))
  while (performance.now() < end)
  return median(times)
}

/** Milliseconds of one of `count` calls. Only promises are waited for, since waiting takes time itself. */
async function lasting(work, count) {
  const began = performance.now()
  for (let i = 0; i < count; i++) {
    const result = work()
    if (result instanceof Promise) await result
  }
  return (performance.now() - began) / count
}

/**
 * Measures every rival in every mode, `rounds` times in turn.
 *
 * @param {object[]} rivals each with a `name` and `measure(mode, seconds)`, milliseconds or null where it has no such mode
 * @param {{ modes: readonly string[], rounds: number, seconds: number }} options
 * @returns {Promise<Record<string, Record<string, { ms: number, rounds: number[] }>>>} by mode, then by rival
 */
export async function alternate(rivals, { modes, rounds, seconds }) {
  const results = {}
  for (const mode of modes) {
    const times = new Map(rivals.map(({ name }) => [name, []]))
    for (let round = 0; round < rounds; round++) {
      for (const rival of rivals) {
        const ms = await rival.measure(mode, seconds)
        if (ms !== null) times.get(rival.name).push(ms)
      }
    }
    results[mode] = Object.fromEntries(
      [...times].filter(([, all]) => all.length > 0).map(([name, all]) => [name, { ms: median(all), rounds: all }]),
    )
  }
  return results
}

/** How many times as long each rival takes as ours does. */
export function ratios(times, ours) {
  const own = times[ours]?.ms
  if (own === undefined) return {}
  return Object.fromEntries(Object.entries(times).map(([name, { ms }]) => [name, ms / own]))
}

/** How far apart rounds may be, the longest by the shortest, before what was measured is doubtful. */
const steady = 1.5

/** What was measured while something else disturbed it: `mode of rival`, for each whose rounds are far apart. */
export function unsteady(measured) {
  return Object.entries(measured).flatMap(([mode, times]) =>
    Object.entries(times)
      .filter(([, { rounds }]) => Math.max(...rounds) > steady * Math.min(...rounds))
      .map(([name]) => `${mode} of ${name}`),
  )
}

/** Prints what {@link unsteady} finds. */
export function warnUnsteady(measured) {
  const doubtful = unsteady(measured)
  if (doubtful.length > 0)
    console.log(`  measure again, rounds are more than ${steady}-fold apart: ${doubtful.join(', ')}`)
}
