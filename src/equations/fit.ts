/**
 * From terms and options to a running fit.
 */

import type { ModelColumns } from '../data/prediction.js'
import { isClassification } from '../data/targets.js'
import { writeSchema } from '../description.js'
import { KanError, native } from '../errors.js'
import type { LossName } from '../history.js'
import type { NativeModelHandle, NativeOutcome, NativeTerm } from '../native.js'
import { listen, type Running } from '../running.js'
import { type EquationHistory, historyReader } from './history.js'
import { equationPlan } from './options.js'
import { readTerms } from './term.js'

/** What a fit works on. */
export interface EquationTarget {
  readonly model: NativeModelHandle
  readonly columns: ModelColumns
  /** The loss that the model was fitted with last. */
  readonly loss: LossName | null
}

/** What the model knows about its columns afterwards. */
function learnt({ columns }: EquationTarget, inputs: readonly string[] | null) {
  const number = (name: string) => ({ name, kind: 'number', fill: null }) as const
  const made = inputs === null ? null : { features: inputs.map(number), targets: [], classes: null }
  return {
    names: { inputs, outputs: columns.outputNames },
    metadata: writeSchema({ encoding: columns.encoding ?? made, classes: null }),
  }
}

function refuseClasses(loss: LossName | null): void {
  if (!isClassification(loss)) return
  throw new KanError({
    code: 'ERR_KAN_OPTION',
    message: `The model was trained on classes ('${loss}'); equations are about quantities`,
    hint: 'Make a new Kan for the equations.',
    details: { loss },
  })
}

/** Calls native code, from a scope of its own: a closure that lives as long as the fit would keep the points alive. */
function launch(
  model: NativeModelHandle,
  terms: NativeTerm[],
  options: string,
): (onEvent: (json: string) => void) => Promise<NativeOutcome> {
  return onEvent => native(() => model.fitEquations(terms, options, onEvent))
}

/**
 * Starts a fit to equations; all numbers are copied before it returns.
 *
 * @throws What is wrong with terms and options, and whatever residuals and functions of coordinates throw.
 */
export function beginEquations(target: EquationTarget, value: unknown, options: unknown): Running<EquationHistory> {
  refuseClasses(target.loss)
  const { model, columns } = target
  const plan = equationPlan(options, columns)
  const inputs = { count: columns.inputs, names: plan.inputs }
  const { terms, names } = readTerms(value, { inputs, outputs: columns.outputs })
  const { signal, onStep, settings } = plan
  return listen(launch(model, terms, JSON.stringify({ ...settings, ...learnt(target, plan.inputs) })), {
    model,
    read: historyReader(names),
    signal,
    push: undefined,
    onStep,
    onProgress: undefined,
    translate: namedTerm(names),
  })
}

/** Errors of native code speak of terms by number. */
function namedTerm(names: readonly string[]): (error: Error) => Error {
  return error => {
    const term = error instanceof KanError ? error.details.term : undefined
    const name = typeof term === 'number' ? names[term] : undefined
    if (name === undefined || name === `terms[${term}]` || !(error instanceof KanError)) return error
    const { code, hint, details } = error
    const said = error.message.split('\nHint: ')[0]!.replace(/^Term \d+/, `Term '${name}'`)
    return new KanError({ code, message: said, hint, details: { ...details, name }, cause: error })
  }
}
