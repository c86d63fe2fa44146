/**
 * From named columns to the numbers of a dataset: which columns are features, targets and weights, which rows are
 * kept, and how each column is encoded.
 */

import { KanError, KanTypeError } from '../errors.js'
import { suggestion } from '../text/suggest.js'
import { fields, whole, wordList } from '../validate.js'
import { refuseMisspelt } from './absent.js'
import { type Column, isMissing, type SourceTable, selectCells } from './columns.js'
import {
  asText,
  checkCategories,
  checkEncoding,
  type Encoding,
  encode,
  encodeClasses,
  encodedNames,
  encodedWidth,
  frozen,
  learnFeature,
  type Missing,
  missingWay,
  refuseMissing,
} from './encoding.js'
import { refuseDuplicates } from './names.js'
import {
  checkTotalWeight,
  checkWeight,
  isNumberArray,
  type NumberArray,
  refuseAllDropped,
  selectRows,
  toWeights,
} from './rows.js'
import { refuseStrays } from './strays.js'

/** How named columns become a dataset. */
export interface TableOptions {
  /**
   * The column or columns to predict. A text column makes class labels, as does one that is in `categorical`. Without
   * it the dataset has no targets.
   */
  target?: string | readonly string[] | undefined
  /** Columns to leave out. */
  ignore?: string | readonly string[] | undefined
  /**
   * Missing values (`null`, `undefined`, NaN; in CSV the `missingMarkers`): `'refuse'` (default) them, `'drop'` their
   * rows, or fill columns of numbers with their `'mean'` or `'median'` and columns of categories with the most
   * frequent one. Missing targets and weights are never filled.
   */
  missing?: Missing | undefined
  /** Sample weights: a column of them, or one number for each row. */
  weights?: string | NumberArray | readonly number[] | undefined
  /**
   * Columns whose numbers are names, such as postal codes: each value becomes a category. A CSV column in which every
   * cell reads as a number is compared as numbers: `01115` is `1115`, and `1.0` is `1`.
   */
  categorical?: string | readonly string[] | undefined
  /** The most different values a column of categories may have; 20 unless given. */
  maxCategories?: number | undefined
  /** Encode as another dataset or a model does. Excludes `target`, `ignore`, `categorical`, `maxCategories`. */
  encoding?: Encoding | undefined
}

/** Names of the options, for checks. */
export const tableOptionNames = [
  'target',
  'ignore',
  'missing',
  'weights',
  'categorical',
  'maxCategories',
  'encoding',
] as const

/** The numbers of a dataset with their names. */
export interface DatasetParts {
  rows: number
  features: number
  targets: number
  x: Float64Array
  y: Float64Array
  weights: Float64Array | null
  featureNames: readonly string[]
  targetNames: readonly string[]
  /** Whether the names were given, rather than made up. */
  named: boolean
  encoding: Encoding | null
  classes: readonly string[] | null
}

interface Plan {
  features: string[]
  targets: string[]
  weights: string | undefined
  categorical: Set<string>
  missing: Missing
  limit: number
  encoding: Encoding | undefined
}

/** What to do about a CSV text that was read as a single column, if its delimiter seems to be another. */
function delimiterHint({ names, parsed }: SourceTable): string | undefined {
  if (!parsed || names.length !== 1) return undefined
  const found = [';', '\t', '|', ','].find(character => names[0]!.includes(character))
  if (found === undefined) return undefined
  const written = found === '\t' ? '\\t' : found
  return `There is a single column, named '${names[0]}'; cells seem to be separated otherwise: use delimiter: '${written}'.`
}

function known(table: SourceTable, names: readonly string[], option: string): void {
  const all = new Set(table.names)
  for (const name of names) {
    if (all.has(name)) continue
    throw new KanTypeError({
      code: 'ERR_KAN_OPTION',
      message: `There is no column '${name}' (${option})`,
      hint: delimiterHint(table) ?? suggestion(name, table.names),
      details: { option, found: name, expected: table.names },
    })
  }
}

function refuse(message: string, option: string, hint: string): never {
  throw new KanTypeError({ code: 'ERR_KAN_OPTION', message, hint, details: { option } })
}

function plan(table: SourceTable, options: Readonly<Record<string, unknown>>): Plan {
  const list = (name: 'target' | 'ignore' | 'categorical') =>
    options[name] === undefined ? [] : wordList(options[name], name)
  const missing = missingWay(options.missing)
  const limit = options.maxCategories === undefined ? 20 : whole(options.maxCategories, 'maxCategories', { min: 1 })
  const weights = typeof options.weights === 'string' ? options.weights : undefined
  if (weights !== undefined) known(table, [weights], 'weights')
  if (options.encoding !== undefined) {
    for (const option of ['target', 'ignore', 'categorical', 'maxCategories']) {
      if (options[option] !== undefined) {
        refuse(`${option} can't be given together with encoding`, option, 'The encoding says which columns are used.')
      }
    }
    if (missing === 'mean' || missing === 'median') {
      refuse(
        `missing: '${missing}' can't be given together with encoding`,
        'missing',
        'The encoding keeps its own fills.',
      )
    }
    return reuse(table, checkEncoding(options.encoding), weights, missing)
  }
  const [targets, ignored, categorical] = [list('target'), list('ignore'), list('categorical')]
  known(table, targets, 'target')
  known(table, ignored, 'ignore')
  known(table, categorical, 'categorical')
  const unused = new Set([...ignored, weights])
  const both = targets.find(name => unused.has(name))
  if (both !== undefined)
    refuse(`Column '${both}' is the target and also something else`, 'target', 'A column has one use.')
  const taken = new Set([...targets, ...unused])
  const features = table.names.filter(name => !taken.has(name))
  if (features.length === 0) {
    throw new KanError({
      code: 'ERR_KAN_DATA',
      message: 'No column is left to learn from',
      hint: 'A dataset needs at least one feature besides target, weights and ignored columns.',
      details: { columns: table.names },
    })
  }
  return { features, targets, weights, categorical: new Set(categorical), missing, limit, encoding: undefined }
}

function reuse(table: SourceTable, encoding: Encoding, weights: string | undefined, missing: Missing): Plan {
  const features = encoding.features.map(feature => feature.name)
  const all = new Set(table.names)
  refuseMisspelt(table, encoding)
  for (const name of features) {
    // In a row object, a key that is absent is a missing value, whatever the other rows have.
    if (all.has(name) || table.keys !== undefined) continue
    throw new KanError({
      code: 'ERR_KAN_DATA',
      message: `Column '${name}' is missing; the encoding needs it`,
      hint: delimiterHint(table) ?? suggestion(name, table.names),
      details: { column: name, found: table.names },
    })
  }
  const present = encoding.targets.filter(name => all.has(name))
  const targets = present.length === encoding.targets.length ? [...encoding.targets] : []
  const categorical = new Set(encoding.features.filter(f => f.kind === 'category').map(f => f.name))
  return { features, targets, weights, categorical, missing, limit: 0, encoding }
}

function read(table: SourceTable, { features, targets, weights, categorical }: Plan): Map<string, Column> {
  const columns = new Map<string, Column>()
  for (const name of [...features, ...targets]) {
    const column = table.column(name)
    columns.set(name, categorical.has(name) ? asText(column) : column)
  }
  if (weights !== undefined) columns.set(weights, table.column(weights))
  return columns
}

function keptRows(table: SourceTable, columns: ReadonlyMap<string, Column>, drop: boolean): number[] {
  const kept: number[] = []
  const all = [...columns.values()]
  for (let row = 0; row < table.rows; row++) {
    if (!drop || !all.some(column => isMissing(column, row))) kept.push(row)
  }
  if (kept.length > 0) return kept
  refuseAllDropped(table.rows, "Leave out the emptiest column with ignore, or use missing: 'mean' or 'median'.")
}

function learn(table: SourceTable, columns: ReadonlyMap<string, Column>, use: Plan, rows: number[]): Encoding {
  const { missing, limit, categorical } = use
  for (const [name, column] of columns) {
    if (column.kind === 'number' || categorical.has(name) || name === use.weights) continue
    refuseStrays(table, name, column, use.targets.includes(name))
  }
  const features = use.features.map(name => {
    const column = selectCells(columns.get(name)!, rows)
    return learnFeature(name, column, missing, limit, table.parsed || categorical.has(name))
  })
  let classes: string[] | null = null
  for (const name of use.targets) {
    const column = selectCells(columns.get(name)!, rows)
    if (column.kind === 'number') continue
    if (use.targets.length > 1) {
      refuse(
        `Target '${name}' is text; with several targets all must be numbers`,
        'target',
        'Train one model for each.',
      )
    }
    classes = checkCategories(name, column.values, Number.POSITIVE_INFINITY, table.parsed || categorical.has(name))
  }
  return { features, targets: use.targets, classes }
}

function targetBlock(
  table: SourceTable,
  columns: ReadonlyMap<string, Column>,
  encoding: Encoding,
  targets: readonly string[],
  rows: number[],
): Float64Array {
  const y = new Float64Array(rows.length * targets.length)
  targets.forEach((name, t) => {
    const column = columns.get(name)!
    const where = (row: number) => table.where(row, name)
    if (encoding.classes !== null) {
      const { values } = asText(column) as Extract<Column, { kind: 'text' }>
      y.set(encodeClasses(values, encoding.classes, rows, where, name))
      return
    }
    rows.forEach((row, i) => {
      if (isMissing(column, row)) refuseMissing(where(row), name, 1, row, targetHint)
      y[i * targets.length + t] = numberCell(column, row, where(row), name)
    })
  })
  return y
}

const targetHint = "A target or weight can't be filled in; use missing: 'drop' to leave such rows out."

function numberCell(column: Column, row: number, place: string, name: string): number {
  if (column.kind === 'number') return column.values[row]!
  throw new KanError({
    code: 'ERR_KAN_NUMBER',
    message: `${place} is '${column.values[row]}'; expected a number`,
    details: { row, column: name, expected: 'a number', found: column.values[row] },
  })
}

function weightBlock(
  table: SourceTable,
  columns: ReadonlyMap<string, Column>,
  given: unknown,
  rows: number[],
): Float64Array | null {
  if (given === undefined) return null
  if (typeof given !== 'string') {
    if (!Array.isArray(given) && !isNumberArray(given)) {
      refuse('weights must be the name of a column or an array of numbers', 'weights', 'One number for each row.')
    }
    return checkTotalWeight(selectRows(toWeights(given, table.rows, 'weights'), 1, rows), 'weights')
  }
  const column = columns.get(given)!
  const values = Float64Array.from(rows, row => {
    const place = table.where(row, given)
    if (isMissing(column, row)) refuseMissing(place, given, 1, row, targetHint)
    const weight = numberCell(column, row, place, given)
    checkWeight(weight, place, row)
    return weight
  })
  return checkTotalWeight(values, `column '${given}'`)
}

/**
 * The numbers of a table.
 *
 * @param more Names of further options that the caller has dealt with.
 */
export function partsFromTable(table: SourceTable, given: unknown, more: readonly string[] = []): DatasetParts {
  const options = fields(given, 'the options', [...tableOptionNames, ...more])
  const use = plan(table, options)
  const columns = read(table, use)
  table.release?.()
  const rows = keptRows(table, columns, use.missing === 'drop')
  const encoding = frozen(use.encoding ?? learn(table, columns, use, rows))
  const x = encode(table, columns, encoding, rows)
  const featureNames = encodedNames(encoding)
  refuseDuplicates(featureNames, 'columns', {
    what: 'The list of features',
    hint: 'Rename or ignore one of the columns.',
  })
  return {
    rows: rows.length,
    features: encodedWidth(encoding),
    targets: use.targets.length,
    x,
    y: targetBlock(table, columns, encoding, use.targets, rows),
    weights: weightBlock(table, columns, options.weights, rows),
    featureNames,
    targetNames: use.targets,
    named: true,
    encoding,
    classes: encoding.classes,
  }
}
