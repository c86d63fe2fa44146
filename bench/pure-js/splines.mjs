// Cubic B-splines on a grid of equal intervals with clamped knots, as polynomials of each interval.

export const degree = 3

/** Knots of `grid` equal intervals on `[a, b]`, the ends four times. */
export function clampedKnots(grid, [a, b]) {
  const inner = Array.from({ length: grid + 1 }, (_, i) => a + ((b - a) * i) / grid)
  return [a, a, a, ...inner, b, b, b]
}

/**
 * The four bases that are not zero on each interval: `[interval][basis][power]`, 16 numbers for each, in the coordinate
 * that runs from 0 to 1 over the interval. From the recursion of Cox and de Boor (de Boor 1978, chapter X), carried out
 * on polynomials.
 */
export function cellPolynomials(grid, domain) {
  const knots = clampedKnots(grid, domain)
  const table = new Float64Array(grid * 16)
  for (let cell = 0; cell < grid; cell++) {
    const start = knots[cell + degree]
    const width = knots[cell + degree + 1] - start
    let lower = [[1]]
    for (let p = 1; p <= degree; p++) {
      const upper = Array.from({ length: p + 1 }, () => new Array(p + 1).fill(0))
      for (const [j, polynomial] of lower.entries()) {
        const i = cell + degree - (p - 1) + j
        const [left, right] = [knots[i], knots[i + p]]
        for (const [power, c] of polynomial.entries()) {
          const slope = (c * width) / (right - left)
          upper[j][power] += (c * (right - start)) / (right - left)
          upper[j][power + 1] -= slope
          upper[j + 1][power] += (c * (start - left)) / (right - left)
          upper[j + 1][power + 1] += slope
        }
      }
      lower = upper
    }
    table.set(lower.flat(), cell * 16)
  }
  return table
}
