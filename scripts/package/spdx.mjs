// Licence expressions (SPDX, and the older `MIT/Apache-2.0`): which licence to take of those that are allowed.

/** The first licence in `expression` that suffices and is allowed; several joined by AND; undefined if there is none. */
export function choose(expression, allowed) {
  const tokens = (expression ?? '').replaceAll('/', ' OR ').match(/[()]|[^\s()]+/g) ?? []
  let at = 0

  function either() {
    const options = [both()]
    while (tokens[at] === 'OR') {
      at += 1
      options.push(both())
    }
    return allowed.find(license => options.includes(license)) ?? options.find(option => option !== undefined)
  }

  function both() {
    const parts = [one()]
    while (tokens[at] === 'AND') {
      at += 1
      parts.push(one())
    }
    return parts.includes(undefined) ? undefined : parts.join(' AND ')
  }

  function one() {
    const token = tokens[at++]
    if (token === '(') {
      const inner = either()
      at += 1
      return inner
    }
    if (tokens[at] !== 'WITH') return allowed.includes(token) ? token : undefined
    const license = `${token} WITH ${tokens[at + 1]}`
    at += 2
    return allowed.includes(license) ? license : undefined
  }

  return either()
}
