/**
 * What a dataset looks like in `console.log`: its columns with their kinds and ranges.
 */

import { card, counted, cut, short, table } from '../text/table.js'
import type { DatasetParts } from './table.js'

const mostColumns = 24

interface Summary {
  min: number
  mean: number
  max: number
  binary: boolean
}

function summary(data: Float64Array, columns: number, column: number): Summary {
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  let sum = 0
  let binary = true
  const rows = data.length / columns
  for (let row = 0; row < rows; row++) {
    const value = data[row * columns + column]!
    min = Math.min(min, value)
    max = Math.max(max, value)
    sum += value / rows
    binary &&= value === 0 || value === 1
  }
  return { min, mean: sum, max, binary }
}

/** A table of the columns: name, kind, smallest, mean and largest value. */
export function inspectDataset(parts: DatasetParts): string {
  const { rows, features, targets, x, y, featureNames, targetNames, classes, weights } = parts
  const line = (name: string, kind: string, { min, mean, max }: Summary) => [cut(name, 32), kind, min, mean, max]
  const shown = featureNames.slice(0, mostColumns).map((name, column) => {
    const values = summary(x, features, column)
    return line(name, values.binary ? 'zero or one' : 'number', values)
  })
  const goals = targetNames.slice(0, mostColumns).map((name, column) => {
    const kind = classes === null ? 'target' : `target, ${classes.length} classes`
    return line(name, kind, summary(y, targets, column))
  })
  const title = `Dataset: ${counted(rows, 'row')}, ${counted(features, 'feature')}, ${counted(targets, 'target')}`
  const text = `${title}\n${table([...shown, ...goals], ['column', 'kind', 'min', 'mean', 'max'])}`
  const notes: [string, string][] = []
  const left = features - shown.length + targets - goals.length
  if (left > 0) notes.push(['not shown', counted(left, 'column')])
  if (classes !== null) notes.push(['classes', cut(classes.join(', '), 80)])
  if (weights !== null) notes.push(['weights', weightRange(weights)])
  return notes.length === 0 ? text : card(text, notes)
}

function weightRange(weights: Float64Array): string {
  const { min, max } = summary(weights, 1, 0)
  return `${short(min)} to ${short(max)}`
}
