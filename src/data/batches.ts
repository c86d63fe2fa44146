/**
 * Gathers a stream of batches into one block of rows.
 */

import { KanTypeError } from '../errors.js'
import { counted } from '../text/table.js'
import { refuseShape, refuseType } from '../validate.js'
import { isRowObject, type RowObject } from './columns.js'
import type { Batch, Samples } from './dataset.js'
import { type Block, refuseEmpty, toBlock, toTargetBlock, toWeights } from './rows.js'

type Labels = { texts: string[] } | { blocks: Block[] }

interface Gathered {
  x: Block[]
  y: Labels | undefined
  weights: Float64Array[] | undefined
}

/** All row objects, or all arrays joined. */
export type Collected = { objects: RowObject[] } | { samples: Samples }

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

function blockOf(blocks: readonly Block[]): Block {
  const columns = blocks[0]!.columns
  const rows = blocks.reduce((sum, block) => sum + block.rows, 0)
  const data = new Float64Array(rows * columns)
  let offset = 0
  for (const block of blocks) {
    data.set(block.data, offset)
    offset += block.data.length
  }
  return { data, rows, columns }
}

function matrix({ data, rows, columns }: Block) {
  return { data, shape: [rows, columns] as const }
}

function add(into: Gathered | undefined, batch: Samples, index: number): Gathered {
  const name = `batch ${index}: `
  const columns = into?.x[0]?.columns
  const x = toBlock(batch.x, { name: `${name}x`, columns })
  const gathered = into ?? { x: [], y: undefined, weights: undefined }
  if (into !== undefined && (into.y === undefined) !== (batch.y === undefined)) {
    refuseKind(index, into.y === undefined ? 'no y' : 'y')
  }
  if (into !== undefined && (into.weights === undefined) !== (batch.weights === undefined)) {
    refuseKind(index, into.weights === undefined ? 'no weights' : 'weights')
  }
  gathered.x.push(x)
  if (batch.y !== undefined) gathered.y = addTargets(gathered.y, batch.y, x.rows, index)
  if (batch.weights !== undefined) {
    gathered.weights ??= []
    gathered.weights.push(toWeights(batch.weights, x.rows, `${name}weights`))
  }
  return gathered
}

function addTargets(into: Labels | undefined, y: NonNullable<Samples['y']>, rows: number, index: number): Labels {
  const name = `batch ${index}: y`
  const found = 'length' in y ? y.length : y.shape[0]
  if (found !== rows) {
    const message = `${name} has ${counted(found, 'row')}; x has ${rows}`
    refuseShape(message, { batch: index, expected: rows, found }, 'Give one target for each row.')
  }
  if (Array.isArray(y) && typeof y[0] === 'string') {
    if (into !== undefined && !('texts' in into)) refuseKind(index, 'numbers in y')
    const labels = into ?? { texts: [] }
    for (const label of y as string[]) labels.texts.push(label)
    return labels
  }
  if (into !== undefined && !('blocks' in into)) refuseKind(index, 'class names in y')
  const labels = into ?? { blocks: [] }
  labels.blocks.push(toTargetBlock(y, { name, columns: labels.blocks[0]?.columns }))
  return labels
}

/** Waits for all batches and joins them. */
export async function collectBatches(batches: AsyncIterable<Batch> | Iterable<Batch>): Promise<Collected> {
  if (!isIterable(batches)) refuseType('batches', 'an iterable or async iterable of batches', batches)
  let objects: RowObject[] | undefined
  let gathered: Gathered | undefined
  let index = 0
  for await (const batch of batches as AsyncIterable<unknown>) {
    if (Array.isArray(batch)) {
      if (gathered !== undefined) refuseKind(index, '{ x, y }')
      objects ??= []
      for (const row of batch) objects.push(row)
    } else if (isRowObject(batch) && 'x' in batch) {
      if (objects !== undefined) refuseKind(index, 'a list of row objects')
      gathered = add(gathered, batch as unknown as Samples, index)
    } else {
      refuseType(`batch ${index}`, 'a list of row objects or { x, y }', batch)
    }
    index += 1
  }
  if (objects !== undefined) return { objects }
  if (gathered === undefined) return refuseEmpty('the stream of batches')
  return { samples: samplesOf(gathered) }
}

function samplesOf({ x, y, weights }: Gathered): Samples {
  const joined = weights?.flatMap(list => Array.from(list))
  if (y === undefined) return { x: matrix(blockOf(x)), weights: joined }
  return { x: matrix(blockOf(x)), y: 'texts' in y ? y.texts : matrix(blockOf(y.blocks)), weights: joined }
}
