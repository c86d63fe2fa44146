/**
 * Checks that the targets of some data are what a loss and a model need.
 */

import { KanError } from '../errors.js'
import type { LossName } from '../history.js'
import { listed } from '../text/suggest.js'
import { refuseShape } from '../validate.js'
import type { ModelColumns } from './prediction.js'
import type { DatasetParts } from './table.js'

/** Whether a loss is about classes rather than quantities. */
export function isClassification(loss: LossName | null): loss is 'crossEntropy' | 'binaryCrossEntropy' {
  return loss === 'crossEntropy' || loss === 'binaryCrossEntropy'
}

/** The loss for data when none is given. */
export function usualLoss(parts: Readonly<DatasetParts>, columns: ModelColumns): LossName {
  if (parts.classes === null) return 'mse'
  return columns.outputs === 1 ? 'binaryCrossEntropy' : 'crossEntropy'
}

function capitalised(what: string): string {
  return what.charAt(0).toUpperCase() + what.slice(1)
}

function refuseLabels(message: string, hint: string, details: Record<string, unknown>): never {
  throw new KanError({ code: 'ERR_KAN_LABEL', message, hint, details })
}

function checkWidth(parts: Readonly<DatasetParts>, outputs: number, loss: LossName, what: string): void {
  if (parts.targets === outputs || (loss === 'crossEntropy' && parts.targets === 1)) return
  const alternative = loss === 'crossEntropy' ? ', or 1 column of labels' : ''
  const columns = parts.targets === 1 ? '1 target column' : `${parts.targets} target columns`
  const labels = parts.targets === 1 && parts.y.every(y => Number.isInteger(y) && y >= 0 && y < outputs)
  const model = `A model for this data ends with layers: [${parts.features}, …, ${parts.classes?.length ?? parts.targets}].`
  refuseShape(
    `${capitalised(what)} has ${columns}; the model has ${outputs} outputs, so ${outputs} are expected${alternative}`,
    { expected: outputs, found: parts.targets },
    labels ? `If the target is a class from 0 to ${outputs - 1}, use loss: 'crossEntropy'. ${model}` : model,
  )
}

function checkClasses(parts: Readonly<DatasetParts>, columns: ModelColumns, loss: LossName, what: string): void {
  const { classes } = parts
  if (classes === null) return
  const details = { classes, outputs: columns.outputs }
  if (!isClassification(loss)) {
    const better = columns.outputs === 1 ? 'binaryCrossEntropy' : 'crossEntropy'
    refuseLabels(
      `The target of ${what} is text with the classes ${listed(classes)}; loss '${loss}' needs quantities`,
      `Use loss: '${better}'.`,
      details,
    )
  }
  const expected = loss === 'crossEntropy' ? columns.outputs : 2
  if (loss === 'binaryCrossEntropy' ? classes.length > 2 : classes.length > expected) {
    refuseLabels(
      `The target of ${what} has ${classes.length} classes (${listed(classes)}); the model can tell ${expected} apart`,
      `A model for this data ends with layers: [${parts.features}, …, ${classes.length}].`,
      details,
    )
  }
  if (columns.classes === null || columns.classes.join('\0') === classes.join('\0')) return
  refuseLabels(
    `The classes of ${what} are ${listed(classes)}; the model's are ${listed(columns.classes)}`,
    'Read the data with encoding: model.encoding, so that labels mean the same.',
    { expected: columns.classes, found: classes },
  )
}

function checkValues(parts: Readonly<DatasetParts>, outputs: number, loss: LossName, what: string): void {
  const { y, targets, rows } = parts
  if (loss === 'crossEntropy' && targets === 1 && outputs > 1) {
    for (let row = 0; row < rows; row++) {
      const label = y[row]!
      if (Number.isInteger(label) && label >= 0 && label < outputs) continue
      refuseLabels(
        `Row ${row} of ${what} has the label ${label}; expected a whole number from 0 to ${outputs - 1}`,
        `The model has ${outputs} outputs, one for each class.`,
        { row, expected: outputs, found: label },
      )
    }
  } else if (isClassification(loss)) {
    for (let i = 0; i < y.length; i++) {
      if (y[i]! >= 0 && y[i]! <= 1) continue
      const row = Math.floor(i / targets)
      refuseLabels(
        `Row ${row} of ${what} has the target ${y[i]}; loss '${loss}' expects numbers from 0 to 1`,
        'Targets of a classification are labels or probabilities.',
        { row, column: i % targets, expected: '0 to 1', found: y[i] },
      )
    }
  }
}

/**
 * Throws if data has no targets, or not those that the loss needs.
 *
 * @param what How a sentence calls the data, such as `the training data`.
 */
export function checkTargets(parts: Readonly<DatasetParts>, columns: ModelColumns, loss: LossName, what: string): void {
  if (parts.targets === 0) {
    throw new KanError({
      code: 'ERR_KAN_DATA',
      message: `${capitalised(what)} has no targets`,
      hint: "Name the column to predict with the option target: 'column', or give y.",
      details: { expected: 'at least 1 target', found: 0 },
    })
  }
  checkClasses(parts, columns, loss, what)
  checkWidth(parts, columns.outputs, loss, what)
  checkValues(parts, columns.outputs, loss, what)
}

/**
 * Throws if the targets of data with names are not, in this order, those that the model tells.
 *
 * @param names What the model's outputs are called, or `null` if nobody has said.
 */
export function checkTargetNames(parts: Readonly<DatasetParts>, names: readonly string[] | null, what: string): void {
  const comparable = parts.named && parts.classes === null && parts.targets === names?.length
  if (names === null || !comparable) return
  const wrong = names.findIndex((name, index) => name !== parts.targetNames[index])
  if (wrong < 0) return
  throw new KanError({
    code: 'ERR_KAN_DATA',
    message: `Target ${wrong} of ${what} is '${parts.targetNames[wrong]}'; the model tells '${names[wrong]}' there`,
    hint: `Targets must be those of the training data in the same order: target: [${names.map(n => `'${n}'`).join(', ')}].`,
    details: { column: wrong, expected: names[wrong], found: parts.targetNames[wrong] },
  })
}

/** The same data with its labels counted as in `classes`, if these contain all of its own classes. */
export function withClasses(parts: Readonly<DatasetParts>, classes: readonly string[] | null): Readonly<DatasetParts> {
  const own = parts.classes
  if (own === null || classes === null) return parts
  const labels = own.map(name => classes.indexOf(name))
  if (labels.includes(-1)) return parts
  return { ...parts, classes, y: parts.y.map(label => labels[label] ?? label) }
}
