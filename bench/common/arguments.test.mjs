import { expect, test } from 'vitest'
import { readArguments, UsageError } from './arguments.mjs'

const command = {
  usage: 'npm run bench:x',
  names: ['a', 'b'],
  defaults: { threads: 2, rounds: 3, seconds: 0.5 },
  texts: ['data'],
}
const read = (...args) => readArguments(args, command)

test('everything is measured, as usual, unless something is said', () => {
  expect(read()).toEqual({ names: ['a', 'b'], threads: 2, rounds: 3, seconds: 0.5, save: false })
})

test('names, numbers and texts are taken', () => {
  const given = read('b', '--threads=1', '--seconds=0.1', '--data=folder', '--save')
  expect(given).toEqual({ names: ['b'], threads: 1, rounds: 3, seconds: 0.1, data: 'folder', save: true })
})

test('a mistake is named, with how to call the command', () => {
  const mistakes = [
    [['c'], "There is no 'c'."],
    [['--threads=0'], '--threads=0: expected a whole number above 0.'],
    [['--threads=1.5'], '--threads=1.5: expected a whole number above 0.'],
    [['--seconds=soon'], '--seconds=soon: expected a number above 0.'],
    [['--seconds=Infinity'], '--seconds=Infinity: expected a number above 0.'],
    [['--sedonds=1'], "Unknown option '--sedonds'"],
  ]
  for (const [args, message] of mistakes) {
    expect(() => read(...args)).toThrow(UsageError)
    expect(() => read(...args)).toThrow(message)
    expect(() => read(...args)).toThrow('usage: npm run bench:x [-- name… --threads=… ')
  }
})
