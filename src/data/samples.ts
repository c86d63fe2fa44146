/**
 * From arrays of features and targets to the numbers of a dataset.
 */

import { described, KanError, KanTypeError } from '../errors.js'
import { counted } from '../text/table.js'
import { type Fields, fields, refuseShape, refuseType } from '../validate.js'
import {
  distinct,
  encodeClasses,
  frozen,
  learnNumber,
  type Missing,
  missingWay,
  type NumberFeature,
} from './encoding.js'
import { isTextList, madeUpNames, refuseDuplicates } from './names.js'
import {
  type Block,
  checkTotalWeight,
  isGap,
  refuseAllDropped,
  refuseCell,
  refuseMixed,
  selectRows,
  toBlock,
  toTargetBlock,
  toWeights,
} from './rows.js'
import { findStray, styleHint } from './strays.js'
import type { DatasetParts } from './table.js'

const optionNames = ['x', 'y', 'weights', 'featureNames', 'targetNames', 'classes', 'missing']

/** Targets as they were given: class names with gaps, or numbers with gaps. */
type Targets = { labels: (string | null)[] } | { block: Block }

function nameList(value: unknown, option: string, count: number): string[] | undefined {
  if (value === undefined) return undefined
  if (!isTextList(value) || value.includes('')) refuseType(option, 'a list of names', value)
  if (value.length !== count) {
    refuseShape(
      `${option} has ${value.length} names; expected ${count}`,
      { expected: count, found: value.length },
      'Give one name for each column.',
    )
  }
  refuseDuplicates(value, option)
  return value
}

function classList(value: unknown): string[] {
  if (!isTextList(value) || value.length === 0) refuseType('classes', 'a list of texts', value)
  refuseDuplicates(value, 'classes', { hint: 'Every class needs a name of its own.' })
  return [...value]
}

/** Whether targets are class names, some of which may be missing. */
export function isLabelList(y: unknown): y is readonly unknown[] {
  return Array.isArray(y) && typeof y.find(label => !isGap(label)) === 'string'
}

/** A copy of class names, `null` where one is missing. */
export function toLabels(y: readonly unknown[], name: string): (string | null)[] {
  return Array.from(y, (label, row) => {
    if (typeof label === 'string') return label
    if (isGap(label)) return null
    if (typeof label === 'number') refuseMixed(name, row, label, 'a class name')
    throw new KanTypeError({
      code: 'ERR_KAN_LABEL',
      message: `${name}[${row}] is ${described(label)}; expected a class name, as the others are`,
      hint: 'Targets are all class names or all numbers.',
      details: { row, expected: 'a text', found: label },
    })
  })
}

function checkLabels(block: Block, classes: readonly string[]): void {
  if (block.columns !== 1) {
    refuseShape(
      `With classes, y must be one label for each row; it has ${block.columns} columns`,
      { expected: 1, found: block.columns },
      'Leave out classes, or give labels from 0.',
    )
  }
  block.data.forEach((label, row) => {
    if (Number.isNaN(label)) return
    if (Number.isInteger(label) && label >= 0 && label < classes.length) return
    throw new KanError({
      code: 'ERR_KAN_LABEL',
      message: `y[${row}] is ${label}; expected a label from 0 to ${classes.length - 1}`,
      hint: `There are ${classes.length} classes.`,
      details: { row, expected: classes.length, found: label },
    })
  })
}

function readTargets(given: Fields, rows: number, missing: Missing): Targets | undefined {
  const { y, targetNames } = given
  if (y === undefined) return undefined
  const columnNames = Array.isArray(targetNames) ? (targetNames as string[]) : undefined
  const targets = isLabelList(y)
    ? { labels: toLabels(y, 'y') }
    : { block: toTargetBlock(y, { name: 'y', columnNames, allowMissing: missing === 'drop' }) }
  const found = 'labels' in targets ? targets.labels.length : targets.block.rows
  if (found === rows) return targets
  return refuseShape(
    `y has ${counted(found, 'row')} and x has ${rows}; expected the same number`,
    { expected: rows, found },
    'Give one target, or one row of targets, for each row of x.',
  )
}

/** Throws if labels are numbers in texts for the most part. */
function refuseStrayLabel(texts: readonly (string | null)[], kept: ArrayLike<number>): void {
  const stray = findStray(texts)
  if (stray === undefined) return
  const row = kept[stray.index]!
  throw new KanError({
    code: 'ERR_KAN_DATA',
    message: `y[${row}] is '${stray.text}', while ${stray.numbers} of the ${stray.present} texts in y look like numbers`,
    hint: `${styleHint(stray, false)}Use Number(…) on them, and null for a missing one; or give classes: [ … ] if they are names.`,
    details: { row, column: 'y', expected: 'a number', found: stray.text },
  })
}

/** Labels of class names, and the classes that they stand for: those of the rows that are kept unless given. */
function coded(labels: readonly (string | null)[], given: Fields, kept: ArrayLike<number>) {
  const texts = Array.from(kept, row => labels[row]!)
  const first = texts.findIndex(text => text !== null)
  const numerals = texts.every(text => text === null || (text.trim() !== '' && Number.isFinite(Number(text))))
  if (numerals && given.classes === undefined) refuseCell(`y[${kept[first]}]`, kept[first]!, 0, undefined, texts[first])
  if (given.classes === undefined) refuseStrayLabel(texts, kept)
  const classes = given.classes === undefined ? distinct(texts) : classList(given.classes)
  return { y: encodeClasses(labels, classes, kept, row => `y[${row}]`, 'y'), classes }
}

function hasGap({ data, columns }: Block, row: number): boolean {
  return data.subarray(row * columns, (row + 1) * columns).some(Number.isNaN)
}

/** The rows without gaps. */
function fullRows(x: Block, targets: Targets | undefined): number[] {
  const kept: number[] = []
  for (let row = 0; row < x.rows; row++) {
    if (hasGap(x, row)) continue
    if (targets !== undefined && ('labels' in targets ? targets.labels[row] === null : hasGap(targets.block, row)))
      continue
    kept.push(row)
  }
  return kept.length > 0 ? kept : refuseAllDropped(x.rows, "Use missing: 'mean' or 'median', or fill in the targets.")
}

/** Fills the gaps of every column in place; returns how each is to be read later. */
function fillGaps(x: Block, names: readonly string[], missing: Missing): NumberFeature[] {
  if (missing !== 'mean' && missing !== 'median') return names.map(name => ({ name, kind: 'number', fill: null }))
  return names.map((name, column) => {
    const values = new Float64Array(x.rows)
    for (let row = 0; row < x.rows; row++) values[row] = x.data[row * x.columns + column]!
    const fill = learnNumber(name, values, missing)
    for (let row = 0; row < x.rows; row++) {
      if (Number.isNaN(values[row])) x.data[row * x.columns + column] = fill
    }
    return { name, kind: 'number', fill }
  })
}

/** The targets of the rows that are kept. */
function targets(
  goal: Targets | undefined,
  given: Fields,
  kept: readonly number[],
): { y: Float64Array; width: number; classes: string[] | null } {
  if (goal === undefined) return { y: new Float64Array(0), width: 0, classes: null }
  if ('labels' in goal) return { ...coded(goal.labels, given, kept), width: 1 }
  const classes = given.classes === undefined ? null : classList(given.classes)
  if (classes !== null) checkLabels(goal.block, classes)
  return { y: selectRows(goal.block.data, goal.block.columns, kept), width: goal.block.columns, classes }
}

/** The numbers of a dataset from `{ x, y, … }`. */
export function partsFromSamples(value: unknown): DatasetParts {
  if (value === undefined) refuseType('the data', 'an object { x, y }', value)
  const given = fields(value, 'the data', optionNames)
  const missing = missingWay(given.missing)
  const hint = Array.isArray(given.featureNames) ? (given.featureNames as string[]) : undefined
  const x = toBlock(given.x, { name: 'x', columnNames: hint, allowMissing: missing !== 'refuse' })
  const named = nameList(given.featureNames, 'featureNames', x.columns)
  const featureNames = named ?? madeUpNames('x', x.columns)
  const goal = readTargets(given, x.rows, missing)
  const weights = given.weights === undefined ? null : toWeights(given.weights, x.rows, 'weights')
  const kept = missing === 'drop' ? fullRows(x, goal) : undefined
  const { y, width, classes } = targets(goal, given, kept ?? Array.from({ length: x.rows }, (_, row) => row))
  const targetNames = nameList(given.targetNames, 'targetNames', width) ?? madeUpNames('y', width)
  const features = fillGaps(x, featureNames, missing)
  const select = (data: Float64Array, columns: number) => (kept === undefined ? data : selectRows(data, columns, kept))
  return {
    rows: kept?.length ?? x.rows,
    features: x.columns,
    targets: width,
    x: select(x.data, x.columns),
    y,
    weights: weights === null ? null : checkTotalWeight(select(weights, 1), 'weights'),
    featureNames,
    targetNames,
    named: named !== undefined,
    encoding: named === undefined ? null : frozen({ features, targets: targetNames, classes }),
    classes,
  }
}
