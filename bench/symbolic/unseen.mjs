// Problems that nobody has seen: formulas drawn at random, of kinds that occur in science and of kinds that searches
// find hard. A seed gives the same problems on every machine.

/** Uniform numbers in [0, 1) of a seed (SplitMix32). */
export function generator(seed) {
  let state = seed | 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    let z = state ^ (state >>> 16)
    z = Math.imul(z, 0x21f0aaad)
    z ^= z >>> 15
    z = Math.imul(z, 0x735a2d97)
    return ((z ^ (z >>> 15)) >>> 0) / 4294967296
  }
}

const times = factors => factors.filter(factor => factor !== '').join('*') || '1'
const power = (name, exponent) => (exponent === 1 ? name : `${name}^(${exponent})`)

/** Draws parts of formulas. */
class Draw {
  constructor(random) {
    this.random = random
  }

  one(list) {
    return list[Math.floor(this.random() * list.length)]
  }

  whole(low, high) {
    return low + Math.floor(this.random() * (high - low + 1))
  }

  /** A decimal number with two digits after the point. */
  decimal(low, high) {
    return String(Math.round(100 * (low + (high - low) * this.random())) / 100 || low)
  }

  names(count) {
    const names = Array.from({ length: count }, (_, at) => `v${at + 1}`)
    for (let at = count - 1; at > 0; at--) {
      const other = this.whole(0, at)
      ;[names[at], names[other]] = [names[other], names[at]]
    }
    return names
  }

  constant() {
    return this.one(['2', '3', '0.5', '1.7', '0.31', '4.2'])
  }

  monomial(names, exponents = [1, 2, -1, -2, 0.5]) {
    return times(names.map(name => power(name, this.one(exponents))))
  }

  polynomial(name, degree) {
    const terms = Array.from({ length: degree + 1 }, (_, k) => (this.random() < 0.35 && k < degree ? '' : k))
    const used = terms.filter(k => k !== '').map(k => `${this.one(['', '-'])}${this.decimal(0.3, 4)}*${power(name, k)}`)
    return used.join(' + ')
  }
}

const unary = ['exp(-(#))', 'sin(#)', 'cos(#)', 'log(1 + #)', 'sqrt(1 + #)', 'tanh(#)', '1/(1 + #)']
const wrap = (text, inner) => text.replace('#', inner)
const all = (names, low, high) => Object.fromEntries(names.map(name => [name, [low, high]]))

/** The kinds: each makes a formula, the ranges of its variables and a number of rows from random draws. */
const kinds = {
  // Products with functions, sums, roots, quotients and differences of two to five variables, as in physics.
  grammar(draw) {
    const names = draw.names(draw.one([2, 3, 3, 4, 4, 5]))
    const half = Math.max(1, Math.floor(names.length / 2))
    const [a, b] = [names.slice(0, half), names.slice(half)]
    const rest = names.length > 2 ? draw.monomial(names.slice(2)) : '1'
    const c = () => draw.constant()
    const formula = draw.one([
      () => `${c()}*${draw.monomial(names)}`,
      () => `${draw.monomial(a)}*${wrap(draw.one(unary), `${c()}*${draw.monomial(b)}`)}`,
      () => `${c()}*${draw.monomial(a)} + ${draw.monomial(b)}`,
      () => `sqrt(${draw.monomial(a, [1, 2])} + ${c()}*${draw.monomial(b, [1, 2])})`,
      () => `${draw.monomial(a, [1, 2])}/(${draw.monomial(b, [1, 2])} + ${c()}*${a[0]})`,
      () => `${draw.monomial(a)}*${wrap(draw.one(unary), draw.monomial(names.slice(0, 2), [1, -1]))}`,
      () => `(${names[0]} - ${names[1]})*${rest} + ${c()}`,
      () => `${c()}*${draw.monomial(a)} + ${wrap(draw.one(unary), draw.monomial(b))}`,
      () => `exp(-(${names[0]} - ${names[1]})^2/${c()})*${rest}`,
      () => `${draw.monomial(a)}*${draw.one(['sin', 'cos'])}(${c()}*${b[0]}) + ${c()}*${b.at(-1)}`,
    ])()
    const ranges = Object.fromEntries(names.map(name => [name, [1, draw.one([2, 3, 5])]]))
    return { formula, ranges, rows: 1000 }
  },
  // Quotients of polynomials in one variable from 20 rows.
  rational(draw) {
    const above = draw.polynomial('x', draw.whole(1, 3))
    const below = `${draw.decimal(0.5, 3)} + ${draw.decimal(0.3, 2)}*x^2${draw.one(['', ' + 0.4*x', ' + 0.2*x^4'])}`
    return { formula: `(${above})/(${below})`, ranges: all(['x'], -2, 2), rows: 20 }
  },
  // Products of powers of variables that have both signs.
  signs(draw) {
    const names = draw.names(draw.whole(2, 5))
    const formula = `${draw.decimal(0.3, 5)}*${draw.monomial(names, [1, 2, 3, -1, -2])}`
    return { formula, ranges: all(names, -4, 4), rows: 500 }
  },
  // Polynomials of high degree with few terms, in one to three variables.
  degrees(draw) {
    const names = draw.names(draw.whole(1, 3))
    const top = { 1: 10, 2: 7, 3: 5 }[names.length]
    const term = () => {
      let left = draw.whole(Math.ceil(top / 2), top)
      const exponents = names.map(() => {
        const k = draw.whole(0, left)
        left -= k
        return k
      })
      exponents[0] += left
      return `${draw.decimal(0.3, 3)}*${times(names.map((name, at) => (exponents[at] ? power(name, exponents[at]) : '')))}`
    }
    const terms = Array.from({ length: draw.whole(2, 4) }, term)
    return { formula: terms.join(draw.one([' + ', ' - '])), ranges: all(names, -1, 1), rows: 100 * names.length }
  },
  // Sums and products of composite functions of one variable.
  composite(draw) {
    const inner = () => draw.one(['x', 'x^2', 'x + x^2', '2*x', '1 + x', '1 + x^2', '3*x', 'x^3'])
    const outer = () => draw.one(['sin(#)', 'cos(#)', 'exp(-(#))', 'log(1 + #)', 'sqrt(1 + #)', 'x*sin(#)'])
    const part = () => wrap(outer(), inner())
    const formula = draw.one([
      () => `${part()} + ${part()}`,
      () => `${part()}*${part()}`,
      () => `x*${part()}*${part()}`,
      () => `x^3*exp(-x)*${part()}`,
      () => `${part()}/(1 + x^2)`,
    ])()
    return { formula, ranges: all(['x'], 0.1, 3), rows: 100 }
  },
  // Six to nine variables.
  many(draw) {
    const names = draw.names(draw.whole(6, 9))
    const third = Math.floor(names.length / 3)
    const [a, b, c] = [names.slice(0, third), names.slice(third, 2 * third), names.slice(2 * third)]
    const formula = draw.one([
      () => `${draw.constant()}*${draw.monomial(names)}`,
      () => `${draw.monomial(a)}*(${draw.monomial(b, [1, 2])} + ${draw.monomial(c, [1, -1])})`,
      () => `${draw.monomial([...a, ...b])}*${wrap(draw.one(unary), draw.monomial(c, [1, -1]))}`,
      () => `${a.map((name, at) => `${name}*${b[at]}`).join(' + ')} + ${draw.monomial(c, [1, -1])}`,
      () => `${draw.monomial(a)}/sqrt(${b.map((name, at) => `(${name} - ${c[at]})^2`).join(' + ')})`,
    ])()
    return { formula, ranges: all(names, 1, 3), rows: 2000 }
  },
  // Irregular decimals inside functions.
  decimals(draw) {
    const wave = name => `${draw.one(['sin', 'cos'])}(${draw.decimal(0.4, 4)}*${name} + ${draw.decimal(0.1, 2)})`
    const decay = name => `exp(-${draw.decimal(0.2, 1.5)}*${name})`
    const names = draw.names(draw.whole(1, 2))
    const [x, y] = [names[0], names.at(-1)]
    const formula = draw.one([
      () => `${draw.decimal(0.5, 3)}*${wave(x)} + ${draw.decimal(0.5, 3)}*${y}`,
      () => `${draw.decimal(0.5, 3)}*${decay(x)}*${wave(y)}`,
      () => `${draw.decimal(0.5, 3)}*${wave(x)} + ${draw.decimal(0.5, 3)}*${decay(y)}`,
      () => `${draw.decimal(0.5, 3)}*${decay(x)} + ${draw.decimal(0.5, 3)}*${decay(y)} + ${draw.decimal(1, 2)}`,
      () => `${draw.decimal(0.5, 3)}*log(${y} + ${draw.decimal(1, 3)})*${wave(x)}`,
    ])()
    return { formula, ranges: all(names, 0, 4), rows: 200 }
  },
}

/** Names of the kinds. */
export const kindNames = Object.keys(kinds)

/**
 * So many problems of each kind, in the form of the published ones.
 *
 * @param {{ seed?: number, each?: number, only?: readonly string[] }} options
 */
export function unseenProblems({ seed = 1, each = 12, only = kindNames } = {}) {
  return only.flatMap((kind, place) =>
    Array.from({ length: each }, (_, at) => {
      const draw = new Draw(generator(seed * 7919 + place * 104729 + at * 31))
      const { formula, ranges, rows } = kinds[kind](draw)
      const used = Object.entries(ranges).filter(([name]) => new RegExp(`\\b${name}\\b`).test(formula))
      const variables = used.map(([name, [low, high]]) => ({ name, low, high, count: rows }))
      return { suite: kind, name: `${kind}-${at + 1}`, formula, variables }
    }),
  )
}
