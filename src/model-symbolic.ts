/**
 * The part of a `Kan` that is about formulas: edges that are fixed to one, and the formula of the whole.
 */

import type { TrainingData } from './data/prediction.js'
import { KanAbortError, native } from './errors.js'
import { modelOver } from './made-models.js'
import type { Kan } from './model.js'
import { columnsOf, modelOf, occupy, refuseIfBusy } from './model-facts.js'
import { ModelStructure, rowsOf } from './model-structure.js'
import { NativeModel } from './native.js'
import { settled } from './outcome.js'
import type { EdgePlace } from './prune-options.js'
import { onAbort } from './signal.js'
import { changedEdge, type EdgeFunction, edgeChange, edgePlace, type FixOptions } from './symbolic/edge-change.js'
import { explained } from './symbolic/faults.js'
import {
  type KeptFormulas,
  ModelFormulas,
  type SymbolicOptions,
  searchModel,
  symbolicPlan,
} from './symbolic/model-formulas.js'
import { fields } from './validate.js'

const none = { x: new Float64Array(0), rows: 0 }

/** The part of a `Kan` that is about formulas. */
export abstract class ModelSymbolic extends ModelStructure {
  /**
   * A model with a function on an edge instead of a spline; this one stays as it is. The function's decimals are
   * parameters: a fit of the new model finds them, with all the rest, until the edge is locked.
   *
   * Units are those of {@link Kan.suggest}: in the first layer the function is of the input, in its units; in the last
   * layer it is a part of the target, in its units.
   *
   * @param edge The edge, `{ layer, from, to }`. One that was pruned comes back.
   * @param to A family's name, as {@link Kan.suggest} lists them; `'zero'`; or a formula.
   * @throws {@link KanError} `ERR_KAN_FORMULA` for a function that the edge can't have, `ERR_KAN_OPTION` for a model that
   *   was not trained and will be standardised then; `RangeError` if there is no such edge.
   * @example
   * import { Kan } from 'kanode'
   *
   * const x = Array.from({ length: 200 }, (_, i) => [(i * 0.618) % 1, (i * 0.755) % 1])
   * const data = { x, y: x.map(([a, b]) => Math.sin(3 * a) + b * b) }
   * const model = new Kan({ layers: [2, 1] })
   * await model.fit(data)
   * const fixed = model.fix({ layer: 0, from: 0, to: 0 }, 'sin', { data })
   * await fixed.fit(data)
   * console.log(fixed.edge(0, 0, 0).formula)
   */
  fix(edge: EdgePlace, to: EdgeFunction, options: FixOptions = {}): Kan {
    const place = edgePlace(edge, 'the edge')
    const { data } = fields(options, 'the options of fix', ['data'])
    const change = edgeChange(to)
    const input = data === undefined ? none : rowsOf(data, columnsOf(this))
    return modelOver(changedEdge(modelOf(this), place, change, input))
  }

  /**
   * A model with a spline instead of the function on an edge, the nearest one; this one stays as it is.
   *
   * @throws `RangeError` if there is no such edge.
   */
  free(edge: EdgePlace): Kan {
    return modelOver(changedEdge(modelOf(this), edgePlace(edge, 'the edge'), 'free', none))
  }

  /**
   * A model in which the numbers of the function on an edge are no parameters any more; this one stays as it is.
   *
   * @throws {@link KanError} `ERR_KAN_FORMULA` if the edge is a spline; `RangeError` if there is no such edge.
   */
  lock(edge: EdgePlace): Kan {
    return modelOver(changedEdge(modelOf(this), edgePlace(edge, 'the edge'), 'lock', none))
  }

  /**
   * The formula of this model, in the background: edges become functions, the surest first, each judged by the loss of
   * the whole; then all constants are fitted together to the data, in its units, and recognised. The model stays as it
   * is.
   *
   * @param data Rows with targets, at best those that the model was trained on.
   * @param options How to search; at best `validation` data, from which the noise is known.
   * @returns The formulas that nothing shorter matches. `console.log` shows a table.
   * @throws {@link KanError} for a model that was not trained or tells classes apart, data that does not fit, and
   *   `ERR_KAN_BUSY` during a fit; an `AbortError`, which has the best so far in `details.result`.
   * @example
   * import { Kan } from 'kanode'
   *
   * const x = Array.from({ length: 200 }, (_, i) => [(i * 0.618) % 1, (i * 0.755) % 1])
   * const data = { x, y: x.map(([a, b]) => Math.sin(3 * a) + b * b) }
   * const model = new Kan({ layers: [2, 1] })
   * await model.fit(data)
   * const formulas = await model.symbolic(data)
   * console.log(formulas)
   * console.log(formulas.best().latex)
   */
  async symbolic(data: TrainingData, options: SymbolicOptions = {}): Promise<ModelFormulas> {
    refuseIfBusy(this)
    const columns = columnsOf(this)
    const plan = symbolicPlan(data, options, { columns, loss: this.loss, outputNames: this.outputNames })
    const { signal } = plan
    if (signal?.aborted) throw new KanAbortError(signal.reason)
    const forget = signal && onAbort(signal, () => modelOf(this).cancel())
    try {
      const { outcome, finish } = searchModel(modelOf(this), plan)
      const ended = await occupy(this, outcome)
      await finish()
      const { report, model } = settled(ended)
      const kept = JSON.parse(report!) as KeptFormulas
      const made = kept.hybrid && modelOver(native(() => NativeModel.decode(model!)))
      const result = new ModelFormulas(kept, made === undefined ? null : { ...kept.hybrid!, model: made })
      if (signal?.aborted) throw new KanAbortError(signal.reason, { result })
      return result
    } catch (error) {
      const aborted = signal?.aborted && !(error instanceof KanAbortError)
      throw aborted ? new KanAbortError(signal.reason) : explained(error)
    } finally {
      forget?.()
    }
  }
}
