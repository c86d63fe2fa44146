/**
 * What users write, compiled by types.test.ts and never run: every line must compile, and every line below an
 * `@ts-expect-error` must not.
 */
import {
  adapters,
  type Calibration,
  type ClassificationMetrics,
  crossValidate,
  Dataset,
  type Edge,
  type EdgeSpread,
  Ensemble,
  type Float64Matrix,
  Formula,
  Kan,
  KanError,
  parseCsv,
  readCsv,
  runtime,
  type TrainingHistory,
  type TrainingRecord,
} from 'kanode'

/** Compiles only if both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : never
function same<A, B>(_: Same<A, B>): void {}

const cars = await readCsv('cars.csv', { target: 'mpg', ignore: ['name'], missing: 'drop' })
const { train, test } = cars.split({ test: 0.2, seed: 0 })
const model = new Kan({ layers: [train.features, 5, 1], grid: 5, degree: 3, seed: 0 })
const history = await model.fit(train, {
  optimizer: 'lbfgs',
  steps: 60,
  validation: 0.1,
  onStep: s => s.rmse?.toFixed(2),
})
same<typeof history, TrainingHistory>(true)
const { rmse, mae, r2 } = await model.evaluate(test)
same<[typeof rmse, typeof mae, typeof r2], [number, number, number]>(true)
const { accuracy } = await model.evaluate<ClassificationMetrics>(test)
same<typeof accuracy, number>(true)

const rows = await model.predict([[1, 2]])
same<typeof rows, number[][]>(true)
const matrix = await model.predict({ data: Float32Array.of(1, 2), shape: [1, 2] })
same<typeof matrix, Float64Matrix>(true)
const data = await model.predict(test)
same<typeof data, Dataset>(true)
const objects = await model.predict([{ weight: 1, origin: 'USA', year: null }])
same<typeof objects, Record<string, number>[]>(true)
same<ReturnType<typeof model.classify>, Promise<(string | number)[]>>(true)
const one = model.predictSync([1, 2])
same<typeof one, number[]>(true)
const typed = model.predictSync(Float64Array.of(1, 2))
typed.subarray(0, 1)

for await (const step of model.fitSteps(train, { epochs: 3, optimizer: { name: 'adamw', weightDecay: 0.1 } })) {
  same<typeof step, TrainingRecord>(true)
}
const edge: Edge = model.edge(0, 1, 2)
edge.evaluate([0, 1]).at(0)
model.parameters = model.parameters.map(p => p / 2)
model.parameters = [1, 2, 3]
await model.save('cars.kan', { optimizerState: true })
const again = await Kan.load('cars.kan')
again[Symbol.dispose]()
same<typeof train.encoding, typeof again.encoding>(true)
parseCsv('a,b\n1,2', { encoding: train.encoding ?? undefined })
Dataset.fromRows([{ a: 1, b: 'x' }], { target: 'b' })
Dataset.fromColumns({ a: [1, null], b: Float64Array.of(1, 2) })
await Dataset.fromBatches([{ x: [[1]], y: ['a'] }])
new Dataset({ x: [[1, null]], y: [1], missing: 'mean' })
const signal = {
  aborted: false,
  addEventListener(_type: 'abort', _listener: () => void) {},
  removeEventListener(_type: 'abort', _listener: () => void) {},
}
await model.fit({ x: [[1, 2]], y: [3] }, { signal, checkpoint: { path: 'a.kan', everySeconds: 3 } })
await model.fit(train, { classWeights: 'balanced' })
await model.fit(train, { classWeights: [1, 2] })
await model.fit(train, { classWeights: { yes: 2 } })
const { confusion, perClass } = await model.evaluate<ClassificationMetrics>(test)
same<typeof confusion.matrix, readonly (readonly number[])[]>(true)
perClass[0]?.f1.toFixed(2)
const calibrated = await model.calibrate(test)
same<typeof calibrated, Calibration>(true)
const ensemble = await Ensemble.fit({ layers: [2, 1] }, train, { members: 3, steps: 5, onMember: m => m.done })
const spread = await ensemble.predict([[1, 2]])
same<typeof spread.mean, number[][]>(true)
same<typeof spread.deviation, number[][]>(true)
const curve = ensemble.edgeCurve(0, 0, 0, [1, 2])
same<typeof curve, EdgeSpread>(true)
await ensemble.save('folder')
const loaded = await Ensemble.load('folder')
loaded[Symbol.dispose]()
const crossed = await crossValidate({ layers: [2, 1] }, train, { folds: 3, steps: 5 })
same<typeof crossed.mean.rmse, number>(true)
const classesCrossed = await crossValidate<ClassificationMetrics>({ layers: [2, 2] }, train)
same<keyof typeof classesCrossed.mean, 'accuracy' | 'logLoss'>(true)
const product = new Kan({ layers: [2, { sums: 1, products: [2, 3] }, 1] })
const record = (await product.fit(train, { optimizer: 'lm', grid: [3, 5], starts: 2, gridUpdate: false })).records[0]!
same<typeof record.learningRate, number | null>(true)
const small = await product.simplify(train, { grid: [10], inputs: true, validation: 0.2 })
same<typeof small, Kan>(true)
same<typeof small.inputIds, readonly number[]>(true)
const refit = small.refine({ grid: 20 })
same<typeof refit.maximum, number>(true)
const certain = await small.uncertainty(train, [[1, 2]])
same<typeof certain.deviation, number[][]>(true)
const formula = Formula.parse('a*x + b', { variables: ['x', 'a', 'b'] })
same<ReturnType<typeof formula.compile>, (...values: number[]) => number>(true)
const at = formula.evaluate({ x: 1, a: 2, b: 3 })
same<typeof at, number>(true)
const column = formula.evaluate([[1, 2, 3]], { nonFinite: 'keep' })
same<typeof column, Float64Array<ArrayBufferLike>>(true)
formula.bounds({ x: [0, 1] }).low.toFixed(2)
formula.print('latex', { digits: 3 })
const suggested = small.suggest({ layer: 0, from: 0, to: 0, data: train, families: ['default', 'softplus', formula] })
for (const { family, formula, error } of suggested) family.concat(String(formula), String(error))
// @ts-expect-error: no such format
formula.print('tex')
// @ts-expect-error: an edge is needed
small.suggest({ layer: 0 })
// @ts-expect-error: made by parse
new Formula('x')
// @ts-expect-error: how far is to be said
small.prune(train)
// @ts-expect-error: a strength is needed
small.fit(train, { regularization: { order: 2 } })

try {
  runtime()
  adapters().map(({ name, type, limits }) => `${name}, ${type}, ${limits.bindingBytes}`)
} catch (error) {
  if (error instanceof KanError) same<typeof error.hint, string | undefined>(true)
}

// @ts-expect-error: layers are needed
new Kan({ grid: 5 })
// @ts-expect-error: no such option
new Kan({ layers: [1, 1], gird: 5 })
// @ts-expect-error: no such name
new Kan({ layers: [1, 1], knots: 'clamp' })
// @ts-expect-error: a number
new Kan({ layers: [1, 1], seed: '1' })
// @ts-expect-error: no such optimiser
model.fit(train, { optimizer: 'adm' })
// @ts-expect-error: a parameter of another optimiser
model.fit(train, { optimizer: { name: 'sgd', beta1: 0.9 } })
// @ts-expect-error: no such way to weigh
model.fit(train, { classWeights: 'equal' })
// @ts-expect-error: members would write the same file
Ensemble.fit({ layers: [1, 1] }, train, { checkpoint: { path: 'a.kan', everySteps: 1 } })
// @ts-expect-error: made by fit or load
new Ensemble([])
// @ts-expect-error: a signal
model.fit(train, { signal: 3 })
// @ts-expect-error: no shape
model.predict({ data: [1, 2] })
// @ts-expect-error: texts are no numbers
model.predict([['1']])
// @ts-expect-error: a dataset comes back
const wrong: number[][] = await model.predict(test)
// @ts-expect-error: read-only
train.rows = 3
// @ts-expect-error: read-only
model.encoding.classes = []
// @ts-expect-error: not for users
model.fit(train).native
void wrong
