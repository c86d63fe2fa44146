/**
 * Checks of arguments: types, ranges, names of options. Each throws an error that says what was expected, what was
 * found and what to do. Nothing is converted: a number in a string is not a number.
 */

import { described, KanError, KanRangeError, KanTypeError } from './errors.js'
import { listed, suggestion } from './text/suggest.js'

/** Bounds of a number. */
export interface Range {
  /** Smallest allowed value. */
  min?: number
  /** Largest allowed value. */
  max?: number
  /** The value must be greater than this. */
  above?: number
  /** The value must be less than this. */
  below?: number
}

/** An object whose fields have been listed but not yet checked. */
export type Fields = Readonly<Record<string, unknown>>

function wrongType(name: string, expected: string, found: unknown, hint?: string): KanTypeError {
  return new KanTypeError({
    code: 'ERR_KAN_OPTION',
    message: `${name} must be ${expected}; found ${described(found)}`,
    hint,
    details: { option: name, expected, found: described(found) },
  })
}

function outOfRange(name: string, expected: string, found: unknown, hint?: string): KanRangeError {
  return new KanRangeError({
    code: 'ERR_KAN_OPTION',
    message: `${name} must be ${expected}; found ${described(found)}`,
    hint,
    details: { option: name, expected, found },
  })
}

/** Throws that `value` is not what `expected` says. */
export function refuseType(name: string, expected: string, found: unknown, hint?: string): never {
  throw wrongType(name, expected, found, hint)
}

/** Throws that `value` is outside what `expected` says. */
export function refuseRange(name: string, expected: string, found: unknown, hint?: string): never {
  throw outOfRange(name, expected, found, hint)
}

/** Whether a value is an object of no class: one of `{ … }`, of any realm, or without a prototype. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: object | null = Object.getPrototypeOf(value)
  return prototype === null || (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf'))
}

/**
 * The own fields of a plain object, read once. Maps, instances of classes and the like are refused: what their users
 * mean by them would be ignored without a word.
 */
export function ownFields(value: unknown, name: string, expected = 'an object of options'): Fields {
  if (isPlain(value)) return Object.assign(Object.create(null), value)
  const object = typeof value === 'object' && value !== null && !Array.isArray(value)
  const hint = 'Write the options as a plain object { … }; those of a class instance or a prototype are not read.'
  throw wrongType(name, expected, value, object ? hint : undefined)
}

/** The fields of a plain object, or `{}` for `undefined`; every key must be known. */
export function fields(value: unknown, name: string, known: readonly string[]): Fields {
  if (value === undefined) return {}
  const given = ownFields(value, name)
  for (const key of Object.keys(given)) {
    if (known.includes(key)) continue
    throw new KanTypeError({
      code: 'ERR_KAN_OPTION',
      message: `Unknown option '${key}' in ${name}`,
      hint: suggestion(key, known),
      details: { option: key, known },
    })
  }
  return given
}

function describeRange({ min, max, above, below }: Range): string {
  const lower = above !== undefined ? `greater than ${above}` : min !== undefined ? `at least ${min}` : undefined
  const upper = below !== undefined ? `less than ${below}` : max !== undefined ? `at most ${max}` : undefined
  if (min !== undefined && max !== undefined) return `from ${min} to ${max}`
  return [lower, upper].filter(part => part !== undefined).join(' and ')
}

function within(value: number, { min, max, above, below }: Range): boolean {
  return (
    (min === undefined || value >= min) &&
    (max === undefined || value <= max) &&
    (above === undefined || value > above) &&
    (below === undefined || value < below)
  )
}

/** A finite number in a range. */
export function finite(value: unknown, name: string, range: Range = {}): number {
  const limits = describeRange(range)
  const expected = limits === '' ? 'a finite number' : `a number ${limits}`
  if (typeof value !== 'number') throw wrongType(name, expected, value)
  if (!Number.isFinite(value) || !within(value, range)) throw outOfRange(name, expected, value)
  return value
}

/** A whole number in a range; `max` is the largest safe integer unless given. */
export function whole(value: unknown, name: string, range: Range = {}): number {
  const expected = `a whole number ${describeRange(range)}`.trimEnd()
  if (typeof value !== 'number') throw wrongType(name, expected, value)
  if (Number.isInteger(value) && value > Number.MAX_SAFE_INTEGER) {
    throw outOfRange(name, `${expected}, at most ${range.max ?? Number.MAX_SAFE_INTEGER}`, value)
  }
  if (!Number.isSafeInteger(value) || !within(value, range)) throw outOfRange(name, expected, value)
  return value
}

/** `true` or `false`. */
export function flag(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean') throw wrongType(name, 'true or false', value)
  return value
}

/** A text that is not empty. */
export function word(value: unknown, name: string): string {
  if (typeof value !== 'string') throw wrongType(name, 'a text', value)
  if (value === '') throw outOfRange(name, 'a text that is not empty', value)
  return value
}

/** A file's path. */
export function filePath(value: unknown, name: string): string {
  const path = word(value, name)
  if (path.includes('\0')) throw outOfRange(name, 'a path without null characters', path)
  return path
}

/** One of a few names. */
export function choice<Name extends string>(value: unknown, name: string, choices: readonly Name[]): Name {
  if (typeof value !== 'string') throw wrongType(name, `one of ${listed(choices)}`, value)
  const found = choices.find(one => one === value)
  if (found === undefined) throw outOfRange(name, `one of ${listed(choices)}`, value, suggestion(value, choices))
  return found
}

/** A text or a list of texts, as a list. */
export function wordList(value: unknown, name: string): string[] {
  if (typeof value === 'string') return [word(value, name)]
  if (!Array.isArray(value)) throw wrongType(name, 'a name or a list of names', value)
  const list = value.map((item: unknown, index) => word(item, `${name}[${index}]`))
  const twice = list.find((item, index) => list.indexOf(item) !== index)
  if (twice !== undefined) throw outOfRange(name, 'a list without repeated names', twice)
  return list
}

/** An interval `[a, b]` with `a < b`, both finite. */
export function interval(value: unknown, name: string): [number, number] {
  if (!Array.isArray(value) || value.length !== 2) throw wrongType(name, 'an interval [a, b]', value)
  const a = finite(value[0], `${name}[0]`)
  const b = finite(value[1], `${name}[1]`)
  if (!(a < b) || !Number.isFinite(b - a)) {
    throw new KanRangeError({
      code: 'ERR_KAN_OPTION',
      message: `${name} must be an interval [a, b] with a < b; found [${a}, ${b}]`,
      details: { option: name, expected: 'a < b', found: [a, b] },
    })
  }
  return [a, b]
}

/** Throws that numbers do not have the wanted shape. */
export function refuseShape(message: string, details: Record<string, unknown>, hint: string): never {
  throw new KanError({ code: 'ERR_KAN_SHAPE', message, hint, details })
}
