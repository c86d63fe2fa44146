import { Dataset, Kan, KanAbortError, type Scores } from 'kanode'
import { beforeAll, describe, expect, test } from 'vitest'
import { folder, rejected, surface, thrown } from './helpers.js'

const data = surface(400)
const grid = surface(50).x

/** Rows of named columns of which `idle` and most colours have no part in the target. */
function named(rows: number) {
  const colours = ['red', 'green', 'blue']
  return Array.from({ length: rows }, (_, i) => {
    const [a, b, idle] = [0.754877666, 0.569840291, 0.4142135].map(step => 2 * ((i * step) % 1) - 1) as [
      number,
      number,
      number,
    ]
    const colour = colours[(i * 7) % 3]!
    return { a, idle, colour, b, y: Math.sin(2 * a) + b * b + (colour === 'green' ? 1 : 0) }
  })
}

describe('refine', () => {
  test('keeps predictions to the error that it reports, and none where grids are multiples', async () => {
    const model = new Kan({ layers: [2, 1], grid: 5 })
    await model.fit(data, { steps: 20 })
    const before = await model.predict(grid)
    const same = model.refine({ grid: 10 })
    expect(same.grid).toBe(10)
    expect(same.maximum).toBeLessThan(1e-12)
    expect(model.grid).toBe(10)
    expect(model.resumable).toBe(false)
    const after = await model.predict(grid)
    const scale = model.scaler!.targetScale[0]!
    const furthest = (rows: number[][], others: number[][]) =>
      Math.max(...rows.map((row, i) => Math.abs(row[0]! - others[i]![0]!)))
    expect(furthest(before, after)).toBeLessThan(1e-12)
    const coarser = model.refine({ grid: 7 })
    expect(coarser.maximum).toBeGreaterThan(0)
    expect(coarser.rms).toBeLessThanOrEqual(coarser.maximum)
    // Two edges into the output, each off by the maximum at most. The maximum is over nodes, not over all points.
    expect(furthest(after, await model.predict(grid))).toBeLessThan(2 * 1.5 * coarser.maximum * scale)
  })

  test('refuses what is no grid', () => {
    const model = new Kan({ layers: [1, 1] })
    expect(thrown(() => model.refine({ grid: 0 })).message).toMatch(
      /^grid must be a whole number from 1 to 4096; found 0/,
    )
    expect(thrown(() => model.refine({} as never))).toBeInstanceOf(TypeError)
    expect(thrown(() => model.refine({ grids: 5 } as never)).message).toMatch(/Unknown option 'grids'/)
  })
})

describe('updateGrid', () => {
  test('brings grids to rows of any kind, with room on each side', async () => {
    const model = new Kan({ layers: [1, 2, 1], standardize: false, domain: [-5, 5] })
    const wide = [[0], [1], [2]]
    const { grid: intervals, maximum } = await model.updateGrid(wide, { margin: 0.5 })
    expect([intervals, maximum > 0]).toEqual([5, true])
    expect(model.edge(0, 0, 0).domain).toEqual([-1, 3])
    await model.updateGrid({ x: [[0], [4]], y: [1, 2] }, { margin: 0, inputs: false })
    expect(model.edge(0, 0, 0).domain).toEqual([-1, 3])
    await model.updateGrid(new Dataset({ x: [[0], [4]], y: [1, 2] }), { margin: 0 })
    expect(model.edge(0, 0, 0).domain).toEqual([0, 4])
    const error = await rejected(model.updateGrid(wide, { uniform: 2 }))
    expect(error.message).toBe('uniform must be a number from 0 to 1; found 2')
  })
})

describe('scores, prune and pruneInputs', () => {
  const train = Dataset.fromRows(named(300), { target: 'y' })
  const model = new Kan({ layers: [6, 1], grid: 5 })
  let scores: Scores

  beforeAll(async () => {
    await model.fit(train, { steps: 30 })
    scores = await model.scores(train)
  })

  test('scores tell the inputs that matter by their names', () => {
    expect(model.inputNames).toEqual(['a', 'idle', 'colour=blue', 'colour=green', 'colour=red', 'b'])
    expect(scores.nodes.map(layer => layer.length)).toEqual([6, 1])
    expect(scores.nodes[1]).toEqual([1])
    expect(scores.edges.map(layer => [layer.length, layer[0]!.length])).toEqual([[6, 1]])
    expect(scores.nodes[0]!.reduce((sum, score) => sum + score)).toBeCloseTo(1, 12)
    const lines = String(scores).split('\n')
    expect(lines[2]).toMatch(/^ {2}a +0\.\d+$/)
    expect(scores.nodes[0]![1]).toBeLessThan(0.02)
  })

  test('pruning inputs keeps names and ids, in files too, and takes all the data that fitted before', async () => {
    const parameters = model.parameters
    const small = await model.pruneInputs(train, { threshold: 0.05 })
    expect(model.parameters).toEqual(parameters)
    expect(model.simplification).toBe(null)
    const names = [...small.inputNames!]
    expect(names).toContain('a')
    expect(names).not.toContain('idle')
    expect(small.inputIds).toEqual(names.map(name => model.inputNames!.indexOf(name)))
    expect(small.layers).toEqual([names.length, 1])
    expect(small.simplification).toMatchObject({ way: 'prune', layersBefore: [6, 1], inputNames: names })
    expect(String(small.simplification)).toContain(`inputs  ${names.join(', ')}`)

    const file = `${folder()}/small.kan`
    await small.save(file)
    const loaded = await Kan.load(file)
    expect([loaded.inputIds, loaded.inputNames, loaded.encoding]).toEqual([small.inputIds, names, small.encoding])

    const rows = named(20)
    const expected = (await small.predict(Dataset.fromRows(rows, { encoding: small.encoding! }))).y.data
    const plain = (row: (typeof rows)[number]) => [
      row.a,
      row.idle,
      ...['blue', 'green', 'red'].map(colour => (colour === row.colour ? 1 : 0)),
      row.b,
    ]
    for (const one of [small, loaded]) {
      const objects = await one.predict(rows.map(({ a, colour, b }) => ({ a, colour, b })))
      expect(objects.map(({ y }) => y)).toEqual([...expected])
      const wide = await one.predict(Dataset.fromRows(rows, { encoding: train.encoding! }))
      expect(wide.y.data).toEqual(expected)
      expect((await one.predict(rows.map(plain))).flat()).toEqual([...expected])
      expect(one.predictSync(plain(rows[3]!))).toEqual([expected[3]])
      const typed = Float64Array.from(plain(rows[3]!))
      expect([...one.predictSync(typed)]).toEqual([expected[3]])
      expect([...typed]).toEqual(plain(rows[3]!))
    }
    const { rmse } = await loaded.evaluate(train)
    const history = await loaded.fit(train, { steps: 10 })
    expect(history.steps).toBeGreaterThan(0)
    // The prior of each fit is its own, so that the error is the same up to that.
    expect((await loaded.evaluate(train)).rmse).toBeLessThan(1.05 * rmse)
    expect(loaded.inputIds).toEqual(small.inputIds)

    const borne = await model.pruneInputs(train, { maxRise: 1.5 })
    expect(borne.inputNames).toContain('a')
    expect(borne.inputNames).not.toContain('idle')
    const { before, after } = borne.simplification!.loss!
    expect(after).toBeLessThanOrEqual(1.5 * before)

    const smaller = await small.pruneInputs(train, { keep: 1 })
    expect(smaller.inputs).toBe(1)
    expect(model.inputNames![smaller.inputIds[0]!]).toBe(smaller.inputNames![0])
    expect((await smaller.evaluate(train)).rmse).toBeGreaterThan(rmse)
    expect((await rejected(small.predict([[1, 2]]))).code).toBe('ERR_KAN_SHAPE')
  })

  test('prunes by threshold, to a number of edges, by what the loss bears, and what is named', async () => {
    const by = (options: Parameters<Kan['prune']>[1]) => model.prune(train, options)
    const kept = await by({ keep: 3 })
    expect(kept.simplification!.edges).toEqual({ before: 6, after: 3 })
    expect(kept.inputs).toBe(6)
    expect(kept.prunedEdges).toHaveLength(3)
    expect(String(kept)).toMatch(/pruned +3 edges/)
    expect(kept.simplification!.loss!.after).toBeGreaterThan(kept.simplification!.loss!.before)
    const borne = await by({ maxRise: 1e3, inputs: true })
    const { loss } = borne.simplification!
    expect(loss!.after).toBeLessThanOrEqual(1e3 * loss!.before)
    expect((await by({ threshold: 0 })).simplification!.edges).toEqual({ before: 6, after: 6 })
    const named = await by({ remove: { edges: [{ layer: 0, from: 1, to: 0 }] } })
    expect(named.prunedEdges).toEqual([{ layer: 0, from: 1, to: 0 }])
    const values = named.parameters.fill(1)
    expect(thrown(() => Object.assign(named, { parameters: values })).message).toMatch(/pruned edge/)
  })

  test('a pruned edge stays zero when the model is trained on', async () => {
    const small = await model.prune(train, { keep: 4 })
    for (const optimizer of ['lm', 'lbfgs', 'adam'] as const) await small.fit(train, { optimizer, steps: 5 })
    expect(small.prunedEdges).toHaveLength(2)
    const { layer, from, to } = small.prunedEdges[0]!
    expect([...small.edge(layer, from, to).evaluate([-1, 0, 1])]).toEqual([0, 0, 0])
  })

  test('refuses options that say nothing or too much, and a model that was not trained', async () => {
    const message = async (options: unknown) => (await rejected(model.prune(train, options as never))).message
    expect(await message({})).toMatch(
      /^The options of prune must have one of threshold, keep, maxRise, remove; found none/,
    )
    expect(await message({ keep: 2, threshold: 0.1 })).toMatch(/found threshold and keep/)
    expect(await message({ keep: 0 })).toMatch(/^keep must be a whole number at least 1; found 0/)
    expect(await message({ threshold: 1.5 })).toBe('threshold must be a number from 0 to 1; found 1.5')
    expect(await message({ maxRise: 0.5 })).toBe('maxRise must be a number at least 1; found 0.5')
    expect(await message({ remove: { inputs: [9] } })).toMatch(/9/)
    expect((await rejected(model.pruneInputs(train, {}))).message).toMatch(/must have one of threshold, keep, maxRise/)
    expect((await rejected(model.pruneInputs(train, { maxRise: 0 }))).message).toMatch(/^maxRise must be/)
    const error = await rejected(new Kan({ layers: [2, 1] }).prune(data, { keep: 1 }))
    expect(error.message).toMatch(/trained/)
    const signal = AbortSignal.abort()
    expect(await rejected(model.prune(train, { keep: 1, signal }))).toBeInstanceOf(KanAbortError)
  })
})

describe('simplify', () => {
  test('finds [2, 1, 1] for exp(sin πx + y²) from a new model, which stays new', async () => {
    const model = new Kan({ layers: [2, 5, 1], grid: 5, seed: 3 })
    const steps: number[] = []
    const small = await model.simplify(data, { grid: [10, 20], onStep: ({ grid }) => steps.push(grid) })
    expect(model.fitted).toBe(false)
    expect(small.layers).toEqual([2, 1, 1])
    expect(small.grid).toBeGreaterThan(5)
    expect((await small.evaluate(data)).rmse).toBeLessThan(1e-4)
    const told = small.simplification!
    expect(told.trials.some(trial => trial.accepted)).toBe(true)
    expect(told.error!.after).toBeLessThan(told.error!.before)
    expect(String(told)).toMatch(/layers +\[2, 5, 1\] → \[2, 1, 1\]/)
    expect(steps.length).toBeGreaterThan(0)
    expect(Kan.fromBytes(small.toBytes()).layers).toEqual([2, 1, 1])
  })

  test('drops inputs that nothing depends on, by validation rows', async () => {
    const rows = named(300)
    const train = Dataset.fromRows(rows, { target: 'y' })
    const small = await new Kan({ layers: [6, 2, 1], grid: 3 }).simplify(train, {
      inputs: true,
      validation: 0.2,
      fit: { steps: 20 },
    })
    expect(small.inputIds.length).toBe(small.inputs)
    expect((await small.evaluate(train)).r2).toBeGreaterThan(0.98)
  })

  test('stops for a signal and for a callback that throws, and refuses options', async () => {
    const model = new Kan({ layers: [2, 5, 1] })
    await model.fit(data, { steps: 5 })
    const stop = new AbortController()
    const aborted = model.simplify(data, { signal: stop.signal, onStep: () => stop.abort('enough') })
    expect(await rejected(aborted)).toMatchObject({ name: 'AbortError', cause: 'enough' })
    const broken = new Error('mine')
    const failing = model.simplify(data, {
      onStep: () => {
        throw broken
      },
    })
    await expect(failing).rejects.toBe(broken)
    const message = async (options: unknown) => (await rejected(model.simplify(data, options as never))).message
    expect(await message({ maxRise: 0 })).toBe('maxRise must be a number at least 1; found 0')
    expect(await message({ grid: [10, 5] })).toMatch(/^grid must be a list of ascending grids; found 5 after 10/)
    expect(await message({ fit: { signal: stop.signal } })).toMatch(/^fit\.signal must be left out/)
    expect(await message({ validation: 1 })).toMatch(/^validation must be/)
    expect(model.layers).toEqual([2, 5, 1])
  })
})

describe('uncertainty', () => {
  test('is small among the data and large far away, in the units and the kind of the rows', async () => {
    const x = Array.from({ length: 200 }, (_, i) => [(i % 100) / 50 - 1])
    const noise = x.map((_, i) => 30 * Math.sin(12.9898 * i * i))
    const y = x.map(([a], i) => 1000 * Math.sin(3 * a!) + noise[i]!)
    const model = new Kan({ layers: [1, 1], grid: 8 })
    const history = await model.fit({ x, y })
    expect(history.regularization!.noise).toBeGreaterThan(0)
    const found = await model.uncertainty({ x, y }, [[0], [0.5], [5]])
    expect(found.deviation.map(row => row.length)).toEqual([1, 1, 1])
    const [inside, , outside] = found.deviation.flat()
    // Noise of amplitude 30 has the standard deviation 21.
    expect(found.noise![0]).toBeGreaterThan(15)
    expect(found.noise![0]).toBeLessThan(30)
    expect(inside).toBeLessThan(found.noise![0]!)
    expect(outside).toBeGreaterThan(5 * inside!)
    expect((await model.uncertainty({ x, y }, [0.5])).deviation).toEqual(found.deviation[1])
    const matrix = await model.uncertainty({ x, y }, { data: Float64Array.of(0, 0.5), shape: [2, 1] })
    expect([...matrix.deviation.data]).toEqual(found.deviation.flat().slice(0, 2))
  })

  test('is refused for a model that was trained otherwise', async () => {
    const model = new Kan({ layers: [2, 1] })
    await model.fit(data, { optimizer: 'lbfgs', steps: 3 })
    expect((await rejected(model.uncertainty(data, grid))).message).toMatch(/regularization: 'auto'/)
  })
})
