// Problems whose constants are drawn continuously, of both signs, and whose shapes come from a grammar: functions of
// a·x + b, of a·x² + b·x, and of products, quotients and sums of two variables, added to or multiplied by others. None of
// them has the shape or the constants of a published problem more often than chance makes it.

import { generator } from './unseen.mjs'

/** Draws parts of formulas. */
class Draw {
  constructor(random) {
    this.random = random
  }

  one(list) {
    return list[Math.floor(this.random() * list.length)]
  }

  /** A size between 0.3 and 3 with three digits. */
  size() {
    return (0.3 * 10 ** this.random()).toPrecision(3)
  }

  /** Such a number of either sign. */
  number() {
    return `${this.random() < 0.5 ? '-' : ''}${this.size()}`
  }

  /** A function of an argument that may have either sign, or of one that is positive. */
  call(argument) {
    return this.one([
      () => `sin(${argument})`,
      () => `cos(${argument})`,
      () => `exp(${argument})`,
      () => `tanh(${argument})`,
      () => `log(${this.size()} + (${argument}))`,
      () => `sqrt(${this.size()} + (${argument}))`,
      () => `1/(${this.size()} + (${argument}))`,
    ])()
  }

  /** An argument of one variable. */
  ofOne(x) {
    return this.one([
      () => `${this.number()}*${x}`,
      () => `${this.number()}*${x} + ${this.number()}`,
      () => `${this.number()}*${x}^2`,
      () => `${this.number()}*${x}^2 + ${this.number()}*${x}`,
    ])()
  }

  /** An argument of two variables. */
  ofTwo(x, y) {
    return this.one([
      () => `${this.number()}*${x}*${y}`,
      () => `${this.number()}*${x}/${y}`,
      () => `${this.number()}*${x} + ${this.number()}*${y}`,
      () => `${this.number()}*${x}^2 + ${this.number()}*${y}^2`,
      () => `${this.number()}*(${x} - ${this.number()})*(${y} - ${this.number()})`,
    ])()
  }

  /** A short term beside a function, or a factor of it. */
  term(names) {
    const [x, y] = [this.one(names), this.one(names)]
    return this.one([() => x, () => `${x}*${y}`, () => `${x}^2`, () => `${x}/${y === x ? '2' : y}`])()
  }
}

/** The kinds: each makes a formula of some variables. */
const kinds = {
  // Two functions of one variable.
  curve: {
    variables: 1,
    rows: 100,
    formula(draw, [x]) {
      const part = () => draw.call(draw.ofOne(x))
      const c = () => draw.number()
      return draw.one([
        () => `${c()}*${part()} + ${c()}*${x}`,
        () => `${c()}*${part()} + ${c()}*${part()}`,
        () => `${c()}*${part()}*${part()}`,
        () => `${c()}*${x}*${part()}*${part()}`,
        () => `${part()}/(${draw.size()} + ${draw.size()}*${x}^2)`,
        () => `${c()}*${x}^2*${part()} + ${c()}`,
      ])()
    },
  },
  // A function of two variables with terms of them beside it, or as factors.
  pair: {
    variables: 2,
    rows: 400,
    formula(draw, [x, y]) {
      const part = () => draw.call(draw.ofTwo(x, y))
      const c = () => draw.number()
      return draw.one([
        () => `${c()}*${part()} + ${c()}*${draw.term([x, y])}`,
        () => `${c()}*${part()} + ${c()}*${draw.term([x, y])} + ${c()}`,
        () => `${c()}*${draw.term([x, y])}*${part()}`,
        () => `${x}*${part()} + ${c()}*${y}`,
        () => `${c()}*${draw.call(draw.ofOne(x))}*${draw.call(draw.ofOne(y))}`,
        () => `${c()}*${draw.call(draw.ofOne(x))} + ${c()}*${draw.call(draw.ofTwo(x, y))}`,
      ])()
    },
  },
  // The same of three and four variables.
  several: {
    variables: [3, 4],
    rows: 800,
    formula(draw, names) {
      const [x, y, z, w = z] = names
      const c = () => draw.number()
      const two = (a, b) => draw.call(draw.ofTwo(a, b))
      return draw.one([
        () => `${c()}*${two(x, y)} + ${c()}*${draw.term([z, w])}`,
        () => `${c()}*${z}*${two(x, y)} + ${c()}*${w === z ? x : w}`,
        () => `${c()}*${z}*${w === z ? x : w}*${two(x, y)}`,
        () => `${c()}*${draw.term([x, z])} + ${w}*${two(x, y)}`,
        () => `${c()}*${two(x, y)} + ${c()}*${two(z, w === z ? x : w)}`,
        () => `${draw.term([x, y])}*${draw.call(draw.ofOne(z))} + ${c()}*${w}`,
      ])()
    },
  },
}

/**
 * So many problems of each kind, in the form of the published ones; a formula without a value somewhere, or whose values
 * are mostly the same, is drawn again by `isUsable`.
 *
 * @param {{ seed?: number, each?: number }} options
 * @param {(problem: object) => boolean} isUsable
 */
export function drawnProblems({ seed = 1, each = 12 } = {}, isUsable) {
  return Object.entries(kinds).flatMap(([kind, { variables, rows, formula }], place) =>
    Array.from({ length: each }, (_, at) => {
      const draw = new Draw(generator(seed * 15485863 + place * 32452843 + at * 49979687))
      for (;;) {
        const names = ['x', 'y', 'z', 'w'].slice(0, [variables].flat()[at % [variables].flat().length])
        const ranges = names.map(() =>
          draw.one([
            [0.2, 3],
            [-2, 2],
            [1, 4],
            [1, 3],
          ]),
        )
        const law = formula(draw, names)
        const used = names.flatMap((name, index) =>
          new RegExp(`\\b${name}\\b`).test(law)
            ? [{ name, low: ranges[index][0], high: ranges[index][1], count: rows }]
            : [],
        )
        const problem = { suite: kind, name: `${kind}-${at + 1}`, formula: law, variables: used }
        if (used.length === names.length && isUsable(problem)) return problem
      }
    }),
  )
}
