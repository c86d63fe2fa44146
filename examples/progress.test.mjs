import { expect, test } from 'vitest'
import { Progress } from './progress.mjs'

/** What is written to a stream of this kind while steps 1 … last are shown. */
function written(isTTY, last) {
  let text = ''
  const progress = new Progress(100, { isTTY, write: piece => (text += piece) })
  for (let step = 1; step <= last; step++) progress.show(step, `loss ${step}`)
  progress.end(last)
  return text
}

test('away from a terminal the first, every tenth and the last step are shown', () => {
  const steps = written(false, 34).match(/\d+(?= of 100)/g)
  expect(steps.map(Number)).toEqual([1, 10, 20, 30, 34])
})

test('a last step that was shown already is not repeated', () => {
  expect(written(false, 20).match(/ 20 of 100/g)).toHaveLength(1)
})

test('on a terminal one line is written over and ended once', () => {
  const text = written(true, 34)
  expect(text.match(/\r/g)).toHaveLength(34)
  expect(text.endsWith('step  34 of 100: loss 34\n')).toBe(true)
})
