/**
 * What a model looks like in `console.log`.
 */

import type { ModelColumns } from './data/prediction.js'
import type { Description } from './description.js'
import { card, counted, cut, grouped } from './text/table.js'

function names(list: readonly string[] | null, count: number, word: string): string {
  return list === null ? counted(count, word) : cut(list.join(', '), 72)
}

function fitted({ fitted, loss, steps, resumable }: Description): string {
  if (!fitted) return 'no'
  const done = steps > 0 ? `, ${counted(steps, 'step')}` : ''
  const kind = loss === null ? '' : ` (${loss.name}${done})`
  return `yes${kind}${resumable ? ', can be resumed' : ''}`
}

/** A title and a table of the model's options, shapes and state. */
export function inspectModel(about: Description, columns: ModelColumns, disposed: boolean): string {
  const classes = columns.classes === null ? [] : ([['classes', cut(columns.classes.join(', '), 72)]] as const)
  return card(`Kan [${about.layers.join(', ')}]${disposed ? ', disposed' : ''}`, [
    ['grid', `${counted(about.grid, 'interval')}, degree ${about.degree}, ${about.knots} knots`],
    ['edges', `base ${about.base}, ${about.outside} outside the grid`],
    ['numbers', `${about.dtype}${about.standardize ? ', standardised' : ''}`],
    ['parameters', grouped(about.parameterCount)],
    ['inputs', names(columns.inputNames, columns.inputs, 'column')],
    ['outputs', names(columns.outputNames, columns.outputs, 'column')],
    ...classes,
    ['fitted', fitted(about)],
  ])
}
