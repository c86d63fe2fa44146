// How rivals are timed: round after round, each in turn, so that whatever else the machine does meets all of them alike.
import { median } from '../accuracy/helpers.mjs'

/** Milliseconds of a function: the median of as many calls as begin within `seconds`, after one that is not counted. */
export async function timed(work, seconds) {
  await work()
  const times = []
  const end = performance.now() + 1000 * seconds
  do {
    const began = performance.now()
    await work()
    times.push(performance.now() - began)
  } while (performance.now() < end)
  return median(times)
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
