// The command line that the speed benchmarks share: names of what to measure, and how long.
import { parseArgs } from 'node:util'

/** What is counted in whole numbers; the others are seconds. */
const counts = ['threads', 'rounds', 'epochs']

/** A mistake on the command line, with the usage as its message. */
export class UsageError extends Error {}

/**
 * Reads names, `--save`, and numbers such as `--threads=2`.
 *
 * @param {string[]} args
 * @param {object} command
 * @param {string} command.usage how the command begins, as `npm run bench:js`
 * @param {readonly string[]} command.names what can be named
 * @param {readonly string[]} [command.usual] what is meant unless something is named; all of it unless given
 * @param {Record<string, number>} command.defaults the numbers that can be given, and what they are unless they are
 * @param {readonly string[]} [command.texts] further options, with a text each
 * @throws {UsageError}
 */
export function readArguments(args, { usage, names, usual = names, defaults, texts = [] }) {
  const valued = [...Object.keys(defaults), ...texts]
  const list = [...valued.map(name => `--${name}=…`), '--save']
  const help = `usage: ${usage} [-- name… ${list.join(' ')}]\nnames: ${names.join(', ')}`
  const options = Object.fromEntries(valued.map(name => [name, { type: 'string' }]))
  const given = parse(args, { ...options, save: { type: 'boolean', default: false } }, help)
  const unknown = given.positionals.find(name => !names.includes(name))
  if (unknown !== undefined) throw new UsageError(`There is no '${unknown}'.\n${help}`)
  const numbers = Object.fromEntries(
    Object.entries(defaults).map(([name, number]) => [name, numberOf(name, given.values[name], number, help)]),
  )
  return { ...given.values, ...numbers, names: given.positionals.length > 0 ? given.positionals : [...usual] }
}

function parse(args, options, help) {
  try {
    return parseArgs({ args, allowPositionals: true, options })
  } catch (error) {
    throw new UsageError(`${error.message}\n${help}`)
  }
}

function numberOf(name, text, usual, help) {
  if (text === undefined) return usual
  const value = Number(text)
  const whole = !counts.includes(name) || Number.isInteger(value)
  if (whole && value > 0 && Number.isFinite(value)) return value
  throw new UsageError(`--${name}=${text}: expected a ${counts.includes(name) ? 'whole ' : ''}number above 0.\n${help}`)
}

/** Runs the body of a benchmark; a mistake on the command line prints how to call it, and ends with status 2. */
export async function main(body) {
  try {
    await body()
  } catch (error) {
    console.error(error instanceof UsageError ? error.message : error)
    process.exitCode = error instanceof UsageError ? 2 : 1
  }
}
