/**
 * Rows to predict for, in any of the kinds that users have, and results in the same kind.
 */

import { KanError, KanTypeError } from '../errors.js'
import { listed } from '../text/suggest.js'
import { refuseShape } from '../validate.js'
import { isRowObject, type RowObject, type SourceTable, tableFromRows } from './columns.js'
import { Dataset, datasetParts, isDataset, makeDataset, type SampleOptions, type Samples } from './dataset.js'
import { type Encoding, encodedWidth, frozen } from './encoding.js'
import { madeUpNames } from './names.js'
import { type Float64Matrix, isMatrix, type Matrix, type NumberRows, toBlock, toRows } from './rows.js'
import { chosenColumns, chosenFeatures, expectedWidth } from './selection.js'
import { type DatasetParts, partsFromTable } from './table.js'

/** What a model knows about the columns it takes and gives. */
export interface ModelColumns {
  inputs: number
  outputs: number
  inputNames: readonly string[] | null
  outputNames: readonly string[] | null
  encoding: Encoding | null
  classes: readonly string[] | null
  /** What logits are divided by for probabilities, if the model was calibrated. */
  temperature?: number | undefined
  /** Of a model whose inputs were pruned: how many columns the first model took, and which of them the inputs are. */
  first?: { readonly width: number; readonly ids: readonly number[] } | undefined
}

/** Rows to predict for. */
export type PredictInput = NumberRows | Matrix | Dataset | readonly RowObject[]

/** Results in the kind that the rows were given in. */
export type PredictOutput = number[][] | Float64Matrix | Dataset | Record<string, number>[]

/** Rows as the model takes them, and how to give back results. */
export interface Prepared {
  x: Float64Array
  rows: number
  /** Wraps `values: [rows, names.length]`. */
  wrap(values: Float64Array, names: readonly string[]): PredictOutput
}

/** Names of the outputs, made up if there are none. */
export function outputNames({ outputs, outputNames }: ModelColumns): readonly string[] {
  return outputNames ?? madeUpNames('y', outputs)
}

function objects(values: Float64Array, names: readonly string[]): Record<string, number>[] {
  return toRows(values, names.length).map(row => Object.fromEntries(names.map((name, index) => [name, row[index]!])))
}

function fromObjects(rows: readonly RowObject[], columns: ModelColumns): Prepared {
  const { encoding } = columns
  if (encoding === null) {
    throw new KanTypeError({
      code: 'ERR_KAN_DATA',
      message: 'The rows are objects, but this model was trained on columns without names',
      hint: `Give rows of ${columns.inputs} numbers, or train on a Dataset that has names.`,
      details: { expected: `rows of ${columns.inputs} numbers`, found: 'row objects' },
    })
  }
  const table = tableFromRows(rows, undefined)
  const { x } = partsFromTable(featuresOf(table, encoding), { encoding: withoutTargets(encoding) })
  return { x, rows: rows.length, wrap: objects }
}

/** The encoding of the features alone. */
function withoutTargets(encoding: Encoding): Encoding {
  return frozen({ ...encoding, targets: [], classes: null })
}

/** The table without anything but the features, so that whatever else the rows hold does not matter. */
function featuresOf(table: SourceTable, encoding: Encoding): SourceTable {
  const wanted = new Set(encoding.features.map(feature => feature.name))
  return { ...table, names: table.names.filter(name => wanted.has(name)) }
}

/** Checks that data has the columns of a model, in its order. */
export function checkFeatures(parts: Readonly<DatasetParts>, columns: ModelColumns, what: string): void {
  const known = columns.inputNames
  if (parts.features !== columns.inputs) {
    const hint =
      known === null
        ? `A model for this data begins with layers: [${parts.features}, …].`
        : `The model's features are ${listed(known, 24)}; read other data with encoding: model.encoding.`
    refuseShape(
      `${what} has ${parts.features} feature${parts.features === 1 ? '' : 's'}; the model has ${columns.inputs} inputs`,
      { expected: columns.inputs, found: parts.features },
      hint,
    )
  }
  if (known === null || !parts.named) return
  const wrong = known.findIndex((name, index) => name !== parts.featureNames[index])
  if (wrong < 0) return
  throw new KanError({
    code: 'ERR_KAN_DATA',
    message: `Feature ${wrong} of ${what} is '${parts.featureNames[wrong]}'; the model expects '${known[wrong]}' there`,
    hint: 'Columns must be those of the training data in the same order; read the data with encoding: model.encoding.',
    details: { column: wrong, expected: known[wrong], found: parts.featureNames[wrong] },
  })
}

/** Reads rows of any kind for a model. */
export function prepare(input: unknown, columns: ModelColumns): Prepared {
  if (isDataset(input)) {
    const parts = chosenFeatures(datasetParts(input), columns)
    checkFeatures(parts, columns, 'the dataset')
    // What was a class before is a number now, and is none of the columns that the encoding told how to read.
    const encoding = parts.encoding === null ? null : withoutTargets(parts.encoding)
    const wrap = (values: Float64Array, names: readonly string[]) =>
      makeDataset({ ...parts, targets: names.length, y: values, targetNames: names, encoding, classes: null })
    return { x: parts.x, rows: parts.rows, wrap }
  }
  if (Array.isArray(input) && isRowObject(input[0]) && !isMatrix(input[0])) return fromObjects(input, columns)
  if (isRowObject(input) && !isMatrix(input)) {
    throw new KanTypeError({
      code: 'ERR_KAN_DATA',
      message: 'The rows must be a list; found a single object',
      hint: 'For one row write [row].',
      details: { expected: 'a list of rows', found: 'an object' },
    })
  }
  const width = expectedWidth(widthOf(input), columns)
  const columnNames = width === columns.inputs ? (columns.inputNames ?? undefined) : undefined
  const block = toBlock(input, { name: 'rows', columns: width, columnNames, borrow: true })
  const wrap = (values: Float64Array, names: readonly string[]): PredictOutput =>
    isMatrix(input) ? { data: values, shape: [block.rows, names.length] } : toRows(values, names.length)
  return { x: chosenColumns(block, width, columns), rows: block.rows, wrap }
}

/** How many columns rows or a matrix seem to have. */
function widthOf(input: unknown): number | undefined {
  if (isMatrix(input)) return input.shape[1]
  return Array.isArray(input) ? (input[0] as { length?: number } | undefined)?.length : undefined
}

/** The numbers of a dataset or of samples. */
export function partsOf(data: unknown): Readonly<DatasetParts> {
  if (isDataset(data)) return datasetParts(data)
  if (isRowObject(data) && 'x' in data) return datasetParts(new Dataset(data as unknown as SampleOptions))
  throw new KanTypeError({
    code: 'ERR_KAN_DATA',
    message: 'The data must be a Dataset or an object { x, y }',
    hint: "Use readCsv('file.csv', { target: 'column' }), Dataset.fromRows(…) or { x: [[…], …], y: […] }.",
    details: { expected: 'a Dataset or { x, y }' },
  })
}

/** Data to learn from, judge by or evaluate on. */
export type TrainingData = Dataset | Samples

/** Whether an encoding fits a number of inputs. */
export function encodingFits(encoding: Encoding, inputs: number): boolean {
  return encodedWidth(encoding) === inputs
}
