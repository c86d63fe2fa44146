/**
 * Turns work that pushes values into an async iteration over them.
 */

import { mostWaiting } from './running.js'

/**
 * Yields values as they are pushed. At most 256 wait; older ones are skipped, so that a slow loop sees what is new.
 * Leaving the loop early cancels.
 *
 * @param begin Starts the work; receives where to push values, which it does before `done` settles. Called at the first
 *   turn.
 */
export async function* stream<Value, Result>(
  begin: (push: (value: Value) => void) => { done: Promise<Result>; cancel(): void },
): AsyncGenerator<Value, Result, void> {
  const queue: Value[] = []
  let finished = false
  let wake = () => {}
  const running = begin(value => {
    queue.push(value)
    if (queue.length > mostWaiting) queue.shift()
    wake()
  })
  const end = () => {
    finished = true
    wake()
  }
  running.done.then(end, end)
  try {
    while (!finished) {
      const value = queue.shift()
      if (value !== undefined) {
        yield value
        continue
      }
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
    const result = await running.done
    yield* queue
    return result
  } finally {
    if (!finished) {
      running.cancel()
      await running.done.catch(() => {})
    }
  }
}
