/**
 * Gathers a stream of batches into one block of rows. Batches are copied as they come, gaps and all; what is missing
 * is dealt with at the end, when all rows are known.
 */

import { KanTypeError } from '../errors.js'
import { counted } from '../text/table.js'
import { type Fields, fields, refuseShape, refuseType } from '../validate.js'
import { isRowObject, type RowObject, tableFromRows } from './columns.js'
import type { Batch, SampleOptions } from './dataset.js'
import { type Missing, missingWay } from './encoding.js'
import { type Block, isGap, refuseEmpty, toBlock, toTargetBlock, toWeights } from './rows.js'
import { isLabelList, partsFromSamples, toLabels } from './samples.js'
import { type DatasetParts, partsFromTable, tableOptionNames } from './table.js'

type Targets = { labels: (string | null)[] } | { blocks: Block[] }

interface Gathered {
  x: Block[]
  y: Targets | undefined
  weights: Float64Array[] | undefined
}

const samplesOnly = ['featureNames', 'targetNames', 'classes']
const objectsOnly = tableOptionNames.filter(name => name !== 'missing' && name !== 'weights')

function isIterable(value: unknown): value is AsyncIterable<unknown> | Iterable<unknown> {
  return typeof value === 'object' && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value)
}

function refuseKind(index: number, expected: string): never {
  throw new KanTypeError({
    code: 'ERR_KAN_DATA',
    message: `Batch ${index} is of another kind than the batches before it; expected ${expected}`,
    hint: 'All batches are lists of row objects, or all are { x, y, weights }.',
    details: { batch: index, expected },
  })
}

/** Refuses options that mean nothing for batches of a kind. */
function refuseOptions(options: Fields, others: readonly string[], kind: string): void {
  const option = others.find(name => options[name] !== undefined)
  if (option === undefined) return
  throw new KanTypeError({
    code: 'ERR_KAN_OPTION',
    message: `Option '${option}' is not for batches of ${kind}`,
    hint:
      `Batches of row objects take ${objectsOnly.join(', ')}; ` +
      `batches of { x, y, weights } take ${samplesOnly.join(', ')}; both take missing and weights.`,
    details: { option, found: kind },
  })
}

function refuseWeights(message: string): never {
  throw new KanTypeError({
    code: 'ERR_KAN_OPTION',
    message,
    hint: 'Put weights into every batch, or give one number for each row of all batches.',
    details: { option: 'weights' },
  })
}

function joined(blocks: readonly Block[]) {
  const columns = blocks[0]!.columns
  const rows = blocks.reduce((sum, block) => sum + block.rows, 0)
  const data = new Float64Array(rows * columns)
  let offset = 0
  for (const block of blocks) {
    data.set(block.data, offset)
    offset += block.data.length
  }
  return { data, shape: [rows, columns] as const }
}

function addSamples(into: Gathered | undefined, batch: SampleOptions, index: number, missing: Missing): Gathered {
  const name = `batch ${index}: `
  const rules = { name: `${name}x`, columns: into?.x[0]?.columns, allowMissing: missing !== 'refuse' }
  const x = toBlock(batch.x, rules)
  if (into !== undefined && (into.y === undefined) !== (batch.y === undefined)) {
    refuseKind(index, into.y === undefined ? 'no y' : 'y')
  }
  if (into !== undefined && (into.weights === undefined) !== (batch.weights === undefined)) {
    refuseKind(index, into.weights === undefined ? 'no weights' : 'weights')
  }
  const gathered = into ?? { x: [], y: undefined, weights: undefined }
  gathered.x.push(x)
  if (batch.y !== undefined) gathered.y = addTargets(gathered.y, batch.y, x.rows, index, missing)
  if (batch.weights !== undefined) {
    gathered.weights ??= []
    gathered.weights.push(toWeights(batch.weights, x.rows, `${name}weights`))
  }
  return gathered
}

function addTargets(
  into: Targets | undefined,
  y: NonNullable<SampleOptions['y']>,
  rows: number,
  index: number,
  missing: Missing,
): Targets {
  const name = `batch ${index}: y`
  const found = 'length' in y ? y.length : y.shape[0]
  if (found !== rows) {
    const message = `${name} has ${counted(found, 'row')}; x has ${rows}`
    refuseShape(message, { batch: index, expected: rows, found }, 'Give one target for each row.')
  }
  const gapsOnly = missing === 'drop' && Array.isArray(y) && y.every(isGap)
  if (isLabelList(y) || (gapsOnly && into !== undefined && 'labels' in into)) {
    const labels = into === undefined ? [] : labelsOf(into)
    if (labels === undefined) refuseKind(index, 'numbers in y')
    for (const label of toLabels(y as readonly unknown[], name)) labels.push(label)
    return { labels }
  }
  if (into !== undefined && 'labels' in into) refuseKind(index, 'class names in y')
  const blocks = into?.blocks ?? []
  blocks.push(toTargetBlock(y, { name, columns: blocks[0]?.columns, allowMissing: missing === 'drop' }))
  return { blocks }
}

/** Targets so far as class names; they are also that if none of them was there. */
function labelsOf(targets: Targets): (string | null)[] | undefined {
  if ('labels' in targets) return targets.labels
  const none = targets.blocks.every(({ columns, data }) => columns === 1 && data.every(Number.isNaN))
  return none ? targets.blocks.flatMap(({ rows }) => new Array<null>(rows).fill(null)) : undefined
}

function addObjects(into: RowObject[], batch: readonly unknown[], index: number): void {
  batch.forEach((row, at) => {
    if (!isRowObject(row)) refuseType(`batch ${index}: row ${at}`, 'an object with a value for each column', row)
    into.push(row)
  })
}

/** Waits for all batches; the numbers of a dataset from them. */
export async function partsFromBatches(
  batches: AsyncIterable<Batch> | Iterable<Batch>,
  given: unknown,
): Promise<DatasetParts> {
  if (!isIterable(batches)) refuseType('batches', 'an iterable or async iterable of batches', batches)
  const options = fields(given, 'the options', [...tableOptionNames, ...samplesOnly])
  const missing = missingWay(options.missing)
  let objects: RowObject[] | undefined
  let samples: Gathered | undefined
  let index = 0
  for await (const batch of batches as AsyncIterable<unknown>) {
    if (Array.isArray(batch)) {
      if (samples !== undefined) refuseKind(index, '{ x, y }')
      refuseOptions(options, samplesOnly, 'row objects')
      objects ??= []
      addObjects(objects, batch, index)
    } else if (isRowObject(batch) && 'x' in batch) {
      if (objects !== undefined) refuseKind(index, 'a list of row objects')
      refuseOptions(options, objectsOnly, '{ x, y, weights }')
      if (typeof options.weights === 'string') refuseWeights('weights names a column; batches of { x, y } have none')
      samples = addSamples(samples, batch as unknown as SampleOptions, index, missing)
    } else {
      refuseType(`batch ${index}`, 'a list of row objects or { x, y }', batch)
    }
    index += 1
  }
  if (objects !== undefined) return partsFromTable(tableFromRows(objects, undefined), options, samplesOnly)
  if (samples === undefined) return refuseEmpty('the stream of batches')
  return partsFromGathered(samples, options)
}

function partsFromGathered({ x, y, weights }: Gathered, options: Fields): DatasetParts {
  if (weights !== undefined && options.weights !== undefined) {
    refuseWeights('weights are given twice: in the batches and as an option')
  }
  const all = weights?.map(data => ({ data, rows: data.length, columns: 1 }))
  return partsFromSamples({
    ...options,
    x: joined(x),
    y: y === undefined ? undefined : 'labels' in y ? y.labels : joined(y.blocks),
    weights: all === undefined ? options.weights : joined(all).data,
  })
}
