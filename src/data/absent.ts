/**
 * Keys that row objects lack. An absent key is a missing value, unless the row has a key that looks like a slip of
 * the pen: then a fill would hide the value that was meant.
 */

import { KanError } from '../errors.js'
import { editDistance } from '../text/suggest.js'
import type { SourceTable } from './columns.js'
import type { Encoding } from './encoding.js'

function near(name: string, key: string): boolean {
  const allowed = Math.min(2, Math.floor(name.length / 3))
  if (Math.abs(name.length - key.length) > allowed) return false
  return editDistance(name.toLowerCase(), key.toLowerCase()) <= allowed
}

/** Throws if a row lacks a feature and has, instead, a key that nearly reads the same. */
export function refuseMisspelt(table: SourceTable, { features, targets }: Encoding): void {
  if (table.keys === undefined) return
  const known = new Set([...features.map(feature => feature.name), ...targets])
  const cleared = new Map<string, Set<string>>()
  for (let row = 0; row < table.rows; row++) {
    const keys = table.keys(row)
    const present = new Set(keys)
    const unknown = keys.filter(key => !known.has(key))
    if (unknown.length === 0) continue
    for (const { name } of features) {
      if (present.has(name)) continue
      const seen = cleared.get(name) ?? new Set()
      cleared.set(name, seen)
      for (const key of unknown) {
        if (seen.has(key)) continue
        if (near(name, key)) refuseKey(table.where(row, name), row, name, key)
        seen.add(key)
      }
    }
  }
}

function refuseKey(place: string, row: number, name: string, key: string): never {
  throw new KanError({
    code: 'ERR_KAN_DATA',
    message: `${place} is missing; found '${key}'`,
    hint: `Did you mean '${name}'? A value that is missing on purpose is written as null.`,
    details: { row, column: name, expected: name, found: key },
  })
}
