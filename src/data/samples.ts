/**
 * From arrays of features and targets to the numbers of a dataset.
 */

import { KanError, KanTypeError } from '../errors.js'
import { choice, type Fields, fields, refuseShape, refuseType } from '../validate.js'
import { distinct, encodeClasses, frozen, learnNumber, type Missing, type NumberFeature } from './encoding.js'
import { type Block, refuseCell, toBlock, toTargetBlock, toWeights } from './rows.js'
import { selectRows } from './split.js'
import type { DatasetParts } from './table.js'

const optionNames = ['x', 'y', 'weights', 'featureNames', 'targetNames', 'classes', 'missing']

/** `x1`, `x2`, … or, if there is only one and it may stand alone, `y`. */
export function madeUpNames(letter: string, count: number): string[] {
  if (letter === 'y' && count === 1) return [letter]
  return Array.from({ length: count }, (_, index) => `${letter}${index + 1}`)
}

function nameList(value: unknown, option: string, count: number): string[] | undefined {
  if (value === undefined) return undefined
  if (!Array.isArray(value) || !value.every(name => typeof name === 'string' && name !== '')) {
    refuseType(option, 'a list of names', value)
  }
  if (value.length !== count) {
    refuseShape(
      `${option} has ${value.length} names; expected ${count}`,
      { expected: count, found: value.length },
      'Give one name for each column.',
    )
  }
  const twice = value.find((name, index) => value.indexOf(name) !== index)
  if (twice === undefined) return value
  throw new KanTypeError({
    code: 'ERR_KAN_OPTION',
    message: `${option} has the name '${twice}' twice`,
    hint: 'Every column needs a name of its own.',
    details: { option, found: twice },
  })
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && typeof value[0] === 'string'
}

function textTargets(y: readonly unknown[], given: Fields): { block: Block; classes: string[] } {
  y.forEach((label, row) => {
    if (typeof label !== 'string') refuseCell(`y[${row}]`, row, 0, undefined, label)
  })
  const texts = y as readonly string[]
  const numerals = texts.every(text => text.trim() !== '' && Number.isFinite(Number(text)))
  if (numerals && given.classes === undefined) refuseCell('y[0]', 0, 0, undefined, texts[0])
  const classes = given.classes === undefined ? distinct(texts) : classList(given.classes)
  const rows = Array.from(texts, (_, row) => row)
  const data = encodeClasses(texts, classes, rows, row => `y[${row}]`, 'y')
  return { block: { data, rows: texts.length, columns: 1 }, classes }
}

function classList(value: unknown): string[] {
  if (!Array.isArray(value) || value.length === 0 || !value.every(name => typeof name === 'string')) {
    refuseType('classes', 'a list of texts', value)
  }
  if (new Set(value).size !== value.length) refuseType('classes', 'a list without repeated names', value)
  return [...value]
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
    if (Number.isNaN(label)) return // dropped below
    if (Number.isInteger(label) && label >= 0 && label < classes.length) return
    throw new KanError({
      code: 'ERR_KAN_LABEL',
      message: `y[${row}] is ${label}; expected a label from 0 to ${classes.length - 1}`,
      hint: `There are ${classes.length} classes.`,
      details: { row, expected: classes.length, found: label },
    })
  })
}

function hasGap(block: Block | undefined, row: number): boolean {
  if (block === undefined) return false
  for (let i = row * block.columns; i < (row + 1) * block.columns; i++) if (Number.isNaN(block.data[i])) return true
  return false
}

/** The rows without gaps, or `undefined` if all are kept. */
function keptRows(x: Block, y: Block | undefined, missing: Missing): number[] | undefined {
  if (missing !== 'drop') return undefined
  const kept: number[] = []
  for (let row = 0; row < x.rows; row++) if (!hasGap(x, row) && !hasGap(y, row)) kept.push(row)
  if (kept.length > 0) return kept
  throw new KanError({
    code: 'ERR_KAN_EMPTY',
    message: `No row is left: each of the ${x.rows} rows has a missing value`,
    hint: "Use missing: 'mean' or 'median'.",
    details: { rows: x.rows },
  })
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

/** The numbers of a dataset from `{ x, y, … }`. */
export function partsFromSamples(value: unknown): DatasetParts {
  if (value === undefined) refuseType('the data', 'an object { x, y }', value)
  const given = fields(value, 'the data', optionNames)
  const missing =
    given.missing === undefined ? 'refuse' : choice(given.missing, 'missing', ['refuse', 'drop', 'mean', 'median'])
  const hint = Array.isArray(given.featureNames) ? (given.featureNames as string[]) : undefined
  const x = toBlock(given.x, { name: 'x', columnNames: hint, allowMissing: missing !== 'refuse' })
  const named = nameList(given.featureNames, 'featureNames', x.columns)
  const featureNames = named ?? madeUpNames('x', x.columns)
  const { y, classes } = targets(given, x.rows, missing)
  const weights = given.weights === undefined ? null : toWeights(given.weights, x.rows, 'weights')
  const width = y?.columns ?? 0
  const targetNames = nameList(given.targetNames, 'targetNames', width) ?? madeUpNames('y', width)
  const kept = keptRows(x, y, missing)
  const features = fillGaps(x, featureNames, missing)
  const select = (data: Float64Array, columns: number) => (kept === undefined ? data : selectRows(data, columns, kept))
  return {
    rows: kept?.length ?? x.rows,
    features: x.columns,
    targets: width,
    x: select(x.data, x.columns),
    y: y === undefined ? new Float64Array(0) : select(y.data, width),
    weights: weights === null ? null : toWeights(select(weights, 1), kept?.length ?? x.rows, 'weights'),
    featureNames,
    targetNames,
    named: named !== undefined,
    encoding: named === undefined ? null : frozen({ features, targets: targetNames, classes }),
    classes,
  }
}

function targets(given: Fields, rows: number, missing: Missing): { y: Block | undefined; classes: string[] | null } {
  if (given.y === undefined) return { y: undefined, classes: null }
  const labels = isTextList(given.y) ? textTargets(given.y, given) : undefined
  const columnNames = Array.isArray(given.targetNames) ? (given.targetNames as string[]) : undefined
  const y = labels?.block ?? toTargetBlock(given.y, { name: 'y', columnNames, allowMissing: missing === 'drop' })
  if (y.rows !== rows) {
    refuseShape(
      `y has ${y.rows} rows and x has ${rows}; expected the same number`,
      { expected: rows, found: y.rows },
      'Give one target, or one row of targets, for each row of x.',
    )
  }
  const classes = labels?.classes ?? (given.classes === undefined ? null : classList(given.classes))
  if (classes !== null) checkLabels(y, classes)
  return { y, classes }
}
