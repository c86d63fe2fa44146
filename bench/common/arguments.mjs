// The command line that the speed benchmarks share: names of what to measure, and how long.
import { parseArgs } from 'node:util'

const counts = ['threads', 'rounds']
const shared = { threads: { type: 'string' }, rounds: { type: 'string' }, seconds: { type: 'string' } }

/** A mistake on the command line, with the usage as its message. */
export class UsageError extends Error {}

/**
 * Reads `name… --threads=n --rounds=n --seconds=s --save`.
 *
 * @param {string[]} args
 * @param {object} command
 * @param {string} command.usage how the command begins, as `npm run bench:js`
 * @param {readonly string[]} command.names what can be named; all of it unless something is
 * @param {{ threads: number, rounds: number, seconds: number }} command.defaults
 * @param {Record<string, import('node:util').ParseArgsOptionDescriptor>} [command.options] further options
 * @throws {UsageError}
 */
export function readArguments(args, { usage, names, defaults, options = {} }) {
  const extra = Object.keys(options).map(name => `--${name}${options[name].type === 'string' ? '=…' : ''}`)
  const list = `${usage} [-- name… --threads=n --rounds=n --seconds=s --save ${extra.join(' ')}`.trimEnd()
  const help = `usage: ${list}]\nnames: ${names.join(', ')}`
  const given = parse(args, { ...shared, save: { type: 'boolean', default: false }, ...options }, help)
  const unknown = given.positionals.find(name => !names.includes(name))
  if (unknown !== undefined) throw new UsageError(`There is no '${unknown}'.\n${help}`)
  const numbers = Object.fromEntries(
    Object.entries(defaults).map(([name, usual]) => [name, numberOf(name, given.values[name], usual, help)]),
  )
  return { ...given.values, ...numbers, names: given.positionals.length > 0 ? given.positionals : [...names] }
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
