/**
 * "Did you mean …?": the known name nearest to one that is not known. Used for options, columns and categories.
 */

/** The number of single-character edits, swaps of neighbours included, between two words. */
export function editDistance(a: string, b: string): number {
  let older: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let best = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1))
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) best = Math.min(best, older[j - 2]! + 1)
      row.push(best)
    }
    older = last
    last = row
  }
  return last[b.length]!
}

/** The candidate that `word` most likely meant, or `undefined` if none is near. Letter case does not count. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase().slice(0, 64)
  const allowed = wanted.length < 3 ? 0 : Math.floor(wanted.length / 3)
  let best: string | undefined
  let bestDistance = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const name = candidate.toLowerCase().slice(0, 64)
    const partial = wanted.length >= 3 && (name.startsWith(wanted) || wanted.startsWith(name)) && name !== ''
    const distance = partial ? Math.min(1, editDistance(wanted, name)) : editDistance(wanted, name)
    if (distance <= allowed && distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** `'Did you mean "grid"? '` or the whole list: what to tell somebody who wrote an unknown name. */
export function suggestion(word: string, candidates: readonly string[]): string {
  const near = nearest(word, candidates)
  return near === undefined ? `Known: ${listed(candidates)}.` : `Did you mean '${near}'?`
}

/** Names for a sentence, the list cut after a dozen. */
export function listed(names: readonly string[], limit = 12): string {
  const shown = names.slice(0, limit).map(name => `'${name}'`)
  if (names.length > limit) shown.push(`… (${names.length} in all)`)
  return shown.length === 0 ? 'none' : shown.join(', ')
}
