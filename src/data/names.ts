/**
 * Lists of names: those that are made up where none are given, and the search for one that is there twice.
 */

import { KanTypeError } from '../errors.js'

/** `x1`, `x2`, … or, if there is only one and it may stand alone, `y`. */
export function madeUpNames(letter: string, count: number): string[] {
  if (letter === 'y' && count === 1) return [letter]
  return Array.from({ length: count }, (_, index) => `${letter}${index + 1}`)
}

/** Whether a value is a list of texts, perhaps an empty one. */
export function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(item => typeof item === 'string')
}

/** The first name that was there before, if any. */
export function firstDuplicate(names: readonly string[]): string | undefined {
  const seen = new Set<string>()
  return names.find(name => {
    if (seen.has(name)) return true
    seen.add(name)
    return false
  })
}

/** Throws if a name is there twice. */
export function refuseDuplicates(
  names: readonly string[],
  option: string,
  { what = option, hint = 'Every column needs a name of its own.' } = {},
): void {
  const found = firstDuplicate(names)
  if (found === undefined) return
  const message = `${what} has the name '${found}' twice`
  throw new KanTypeError({ code: 'ERR_KAN_OPTION', message, hint, details: { option, found } })
}

/** Where each name is in a list. */
export function placesOf(names: readonly string[]): ReadonlyMap<string, number> {
  return new Map(names.map((name, index) => [name, index]))
}
