// What a model must beat to be worth its while: the mean of the target, and ordinary least squares. Both are fitted
// on the same rows as the network, and both work on datasets with one target column.

/**
 * Root mean squared error of one prediction for each row of a dataset.
 *
 * @param {ArrayLike<number>} predicted
 * @param {import('kanode').Dataset} dataset
 */
export function rmse(predicted, dataset) {
  const actual = dataset.y.data
  return Math.sqrt(actual.reduce((sum, y, i) => sum + (predicted[i] - y) ** 2, 0) / actual.length)
}

/**
 * Fits the mean of the target: returns a function that predicts it for each row of a dataset.
 *
 * @param {import('kanode').Dataset} dataset
 * @returns {(other: import('kanode').Dataset) => Float64Array}
 */
export function mean(dataset) {
  const value = average(dataset.y.data)
  return other => new Float64Array(other.rows).fill(value)
}

/**
 * Fits y ≈ b₀ + Σ bⱼ xⱼ by ordinary least squares: returns a function that predicts for each row of a dataset.
 *
 * The columns are standardised and the normal equations solved by Cholesky's method. A ridge of 1e-9 (on columns of
 * variance 1) keeps them solvable where columns depend on each other, as the one-hot columns of a category do.
 *
 * @param {import('kanode').Dataset} dataset
 * @returns {(other: import('kanode').Dataset) => Float64Array}
 */
export function leastSquares(dataset) {
  const { rows, features } = dataset
  const columns = columnsOf(dataset)
  const centers = columns.map(average)
  const scales = columns.map((column, j) => Math.sqrt(average(column.map(x => (x - centers[j]) ** 2))) || 1)
  const standardised = other => columnsOf(other).map((column, j) => column.map(x => (x - centers[j]) / scales[j]))

  const x = standardised(dataset)
  const intercept = average(dataset.y.data)
  const y = dataset.y.data.map(value => value - intercept)
  const gram = x.map((a, j) => x.map((b, k) => dot(a, b) / rows + (j === k ? 1e-9 : 0)))
  const slopes = solvePositive(
    gram,
    x.map(a => dot(a, y) / rows),
  )

  return other => {
    const columns = standardised(other)
    const predicted = new Float64Array(other.rows).fill(intercept)
    for (let j = 0; j < features; j++) for (let i = 0; i < other.rows; i++) predicted[i] += slopes[j] * columns[j][i]
    return predicted
  }
}

function columnsOf({ x, rows, features }) {
  const { data } = x
  return Array.from({ length: features }, (_, j) =>
    Float64Array.from({ length: rows }, (_, i) => data[i * features + j]),
  )
}

function average(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function dot(a, b) {
  return a.reduce((sum, value, i) => sum + value * b[i], 0)
}

/** Solves A x = b for a positive definite A, which is overwritten by its Cholesky factor. */
function solvePositive(a, b) {
  const n = b.length
  const x = [...b]
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      for (let k = 0; k < j; k++) a[i][j] -= a[i][k] * a[j][k]
      a[i][j] = i === j ? Math.sqrt(a[j][j]) : a[i][j] / a[j][j]
    }
  }
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i] -= a[i][k] * x[k]
    x[i] /= a[i][i]
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i] -= a[k][i] * x[k]
    x[i] /= a[i][i]
  }
  return x
}
