/**
 * What a model looks like in `console.log`.
 */

import type { ModelColumns } from './data/prediction.js'
import type { Description } from './description.js'
import { card, counted, cut, grouped, short } from './text/table.js'

function names(list: readonly string[] | null, count: number, word: string): string {
  return list === null ? counted(count, word) : cut(list.join(', '), 72)
}

function fitted({ fitted, loss, steps, resumable }: Description): string {
  if (!fitted) return 'no'
  const done = steps > 0 ? `, ${counted(steps, 'step')}` : ''
  const kind = loss === null ? '' : ` (${loss.name}${done})`
  return `yes${kind}${resumable ? ', can be resumed' : ''}`
}

/** What a model has that others do not: nodes that multiply, edges that were pruned or are formulas. */
function structure({ products, pruned, formulas }: Description): (readonly [string, string])[] {
  const lists = products.map((list, i) => (list.length === 0 ? '' : `layer ${i + 1}: ${list.join(', ')} factors`))
  const multiplies = lists.filter(text => text !== '').join('; ')
  const gone = pruned.reduce((sum, edges) => sum + edges.length, 0)
  return [
    ...(multiplies === '' ? [] : [['products', multiplies] as const]),
    ...(gone === 0 ? [] : [['pruned', counted(gone, 'edge')] as const]),
    ...(formulas === 0 ? [] : [['formulas', `on ${counted(formulas, 'edge')}`] as const]),
  ]
}

/** A title and a table of the model's options, shapes and state. */
export function inspectModel(about: Description, columns: ModelColumns, disposed: boolean): string {
  const classes = columns.classes === null ? [] : ([['classes', cut(columns.classes.join(', '), 72)]] as const)
  const { temperature } = columns
  const calibrated = temperature === undefined ? [] : ([['calibrated', `temperature ${short(temperature)}`]] as const)
  return card(`Kan [${about.layers.join(', ')}]${disposed ? ', disposed' : ''}`, [
    ['grid', `${counted(about.grid, 'interval')}, degree ${about.degree}, ${about.knots} knots`],
    ...structure(about),
    ['edges', `base ${about.base}, ${about.outside} outside the grid`],
    ['numbers', `${about.dtype}${about.standardize ? ', standardised' : ''}`],
    ['parameters', grouped(about.parameterCount)],
    ['inputs', names(columns.inputNames, columns.inputs, 'column')],
    ['outputs', names(columns.outputNames, columns.outputs, 'column')],
    ...classes,
    ['fitted', fitted(about)],
    ...calibrated,
  ])
}
