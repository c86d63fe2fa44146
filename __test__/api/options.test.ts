import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { Dataset, Kan } from 'kanode'
import { describe, expect, test } from 'vitest'
import { rejected, thrown } from './helpers.js'

const data = { x: [[0], [1], [2]], y: [0, 1, 2] }

describe('of a model', () => {
  const refusals: [string, unknown, typeof Error, RegExp][] = [
    ['nothing', undefined, TypeError, /the options of Kan must be/],
    ['a list', [2, 1], TypeError, /the options of Kan must be an object/],
    ['no layers', {}, TypeError, /layers must be a list/],
    ['one layer', { layers: [2] }, RangeError, /layers must have at least 2 sizes/],
    ['an empty layer', { layers: [2, 0, 1] }, RangeError, /layers\[1\] must be a whole number at least 1; found 0/],
    ['half a node', { layers: [2, 1.5] }, RangeError, /layers\[1\] must be a whole number/],
    ['a layer in a text', { layers: ['2', 1] }, TypeError, /layers\[0\] must be a whole number .*found '2'/],
    ['grid 0', { grid: 0 }, RangeError, /grid must be a whole number from 1 to 4096; found 0/],
    ['grid 4097', { grid: 4097 }, RangeError, /grid must be .*found 4097/],
    ['grid -1', { grid: -1 }, RangeError, /grid/],
    ['grid NaN', { grid: Number.NaN }, RangeError, /grid .*found NaN/],
    ['grid null', { grid: null }, TypeError, /grid .*found null/],
    ['degree 0', { degree: 0 }, RangeError, /degree must be a whole number from 1 to 5; found 0/],
    ['degree 6', { degree: 6 }, RangeError, /degree/],
    [
      'knots',
      { knots: 'clamp' },
      RangeError,
      /knots must be one of 'clamped', 'extended'[\s\S]*Did you mean 'clamped'/,
    ],
    ['outside', { outside: 'clip' }, RangeError, /outside must be one of/],
    ['base', { base: 'relu' }, RangeError, /base must be one of/],
    ['init', { init: 3 }, TypeError, /init must be one of .*found 3/],
    ['a domain of one', { domain: [1] }, TypeError, /domain must be an interval/],
    ['an empty domain', { domain: [1, 1] }, RangeError, /a < b; found \[1, 1\]/],
    ['an endless domain', { hiddenDomain: [0, 1 / 0] }, RangeError, /hiddenDomain\[1\]/],
    ['seed -1', { seed: -1 }, RangeError, /seed must be a whole number at least 0; found -1/],
    ['seed 2^53', { seed: 2 ** 53 }, RangeError, /seed/],
    ['standardize', { standardize: 'yes' }, TypeError, /standardize must be true or false; found 'yes'/],
    ['dtype', { dtype: 'f16' }, RangeError, /dtype must be one of 'f64', 'f32'/],
    ['an unknown option', { learningRate: 1 }, TypeError, /Unknown option 'learningRate'/],
    ['one mistyped', { hidden_domain: [0, 1] }, TypeError, /Did you mean 'hiddenDomain'/],
  ]
  test.each(refusals)('%s is refused', (_, options, kind, message) => {
    const plain = typeof options === 'object' && !Array.isArray(options)
    const complete = plain && Object.keys(options as object).some(key => key !== 'layers')
    const error = thrown(() => new Kan((complete ? { layers: [1, 1], ...(options as object) } : options) as never))
    expect(error).toBeInstanceOf(kind)
    expect(error.code).toBe('ERR_KAN_OPTION')
    expect(error.message).toMatch(message)
  })

  test('every option can be given, and undefined means the default', () => {
    const model = new Kan({
      layers: [2, 3, 1],
      grid: 7,
      degree: 2,
      knots: 'extended',
      outside: 'zero',
      base: 'identity',
      init: 'power',
      domain: [-2, 2],
      hiddenDomain: [-1, 1],
      seed: Number.MAX_SAFE_INTEGER,
      standardize: false,
      dtype: 'f32',
    })
    expect([model.layers, model.grid, model.degree, model.dtype]).toEqual([[2, 3, 1], 7, 2, 'f32'])
    const usual = new Kan({ layers: [2, 1], grid: undefined, seed: undefined })
    expect([usual.grid, usual.degree, usual.dtype]).toEqual([5, 3, 'f64'])
  })

  test('a model too large for the machine is refused, not attempted', () => {
    const error = thrown(() => new Kan({ layers: [2 ** 31, 2 ** 31, 2 ** 31], grid: 4096 }))
    expect(error.code).toBe('ERR_KAN_MEMORY')
  })

  test('nothing that is no whole number in range passes for a size', () => {
    const sizes = fc.oneof(fc.double(), fc.string(), fc.constantFrom(null, true, [], {}, 3n, -0.5))
    fc.assert(
      fc.property(sizes, size => {
        fc.pre(!(typeof size === 'number' && Number.isSafeInteger(size) && size >= 1))
        expect(thrown(() => new Kan({ layers: [1, size as never] })).code).toBe('ERR_KAN_OPTION')
      }),
    )
  })
})

describe('of a fit', () => {
  const refusals: [string, unknown, typeof Error, RegExp][] = [
    ['a number', 3, TypeError, /the options of fit must be an object/],
    ['an unknown option', { epoch: 3 }, TypeError, /Unknown option 'epoch'[\s\S]*Did you mean 'epochs'/],
    ['an unknown optimiser', { optimizer: 'adm' }, RangeError, /Did you mean 'adam'/],
    ['an optimiser without a name', { optimizer: { beta1: 0.9 } }, TypeError, /optimizer\.name must be one of/],
    [
      'a parameter of another optimiser',
      { optimizer: { name: 'sgd', beta1: 0.9 } },
      TypeError,
      /Unknown option 'beta1' in optimizer 'sgd'/,
    ],
    [
      'beta1 1',
      { optimizer: { name: 'adam', beta1: 1 } },
      RangeError,
      /optimizer\.beta1 must be a number at least 0 and less than 1/,
    ],
    ['history 0', { optimizer: { name: 'lbfgs', history: 0 } }, RangeError, /optimizer\.history/],
    ['an unknown schedule', { schedule: 'cos' }, RangeError, /schedule must be one of[\s\S]*'cosine'/],
    ['gamma 0', { schedule: { name: 'step', gamma: 0 } }, RangeError, /schedule\.gamma/],
    ['an unknown loss', { loss: 'mes' }, RangeError, /Did you mean 'mse'/],
    ['delta 0', { loss: { name: 'huber', delta: 0 } }, RangeError, /loss\.delta must be a number greater than 0/],
    ['delta of mse', { loss: { name: 'mse', delta: 1 } }, TypeError, /Unknown option 'delta'/],
    ['no rate', { learningRate: 0 }, RangeError, /learningRate must be a number greater than 0; found 0/],
    ['no steps', { steps: 0 }, RangeError, /steps must be a whole number at least 1/],
    ['half an epoch', { epochs: 0.5 }, RangeError, /epochs/],
    ['steps and epochs', { steps: 1, epochs: 1 }, RangeError, /exclude each other/],
    ['no batch', { batchSize: 0 }, RangeError, /batchSize/],
    ['all for validation', { validation: 1 }, RangeError, /validation must be a number greater than 0 and less than 1/],
    [
      'validation by name',
      { validation: 'test' },
      TypeError,
      /must be a fraction between 0 and 1, a Dataset, or an object/,
    ],
    ['no patience', { earlyStopping: { patience: 0 } }, RangeError, /earlyStopping\.patience/],
    ['a stop that is none', { earlyStopping: 'yes' }, TypeError, /earlyStopping must be an object/],
    ['restoreBest', { restoreBest: 1 }, TypeError, /restoreBest/],
    ['a checkpoint nowhere', { checkpoint: { everySteps: 1 } }, TypeError, /checkpoint\.path must be/],
    ['a checkpoint never', { checkpoint: { path: 'x' } }, RangeError, /one of everySteps and everySeconds/],
    ['a checkpoint of two minds', { checkpoint: { path: 'x', everySteps: 1, everySeconds: 1 } }, RangeError, /one of/],
    ['no threads', { threads: 0 }, RangeError, /threads must be a whole number from 1 to 1024/],
    ['seed', { seed: '0' }, TypeError, /seed/],
    ['a signal that is none', { signal: {} }, TypeError, /signal must be an AbortSignal; found an object/],
    ['a progress callback that is none', { onProgress: {} }, TypeError, /onProgress must be a function/],
    ['a callback that is none', { onStep: 'log' }, TypeError, /onStep must be a function/],
  ]
  test.each(refusals)('%s is refused', async (_, options, kind, message) => {
    const error = await rejected(new Kan({ layers: [1, 1] }).fit(data, options as never))
    expect(error).toBeInstanceOf(kind)
    expect(error.message).toMatch(message)
  })

  test.each([
    { optimizer: { name: 'adam', beta1: 0.8, beta2: 0.99, epsilon: 1e-6 } },
    { optimizer: { name: 'adamw', weightDecay: 0.1 }, learningRate: 0.1 },
    { optimizer: { name: 'sgd', momentum: 0.5, nesterov: true } },
    { optimizer: { name: 'lbfgs', history: 5, maxEvaluations: 10, tolerance: 0, changeTolerance: 0 } },
    { optimizer: 'adam', schedule: { name: 'constant', warmup: 2 } },
    { optimizer: 'adam', schedule: { name: 'cosine', warmup: 1, total: 9, minimumFraction: 0.1 } },
    { optimizer: 'adam', schedule: { name: 'exponential', gamma: 0.9 } },
    { optimizer: 'adam', schedule: { name: 'step', every: 2, gamma: 0.5 } },
    { optimizer: 'adam', schedule: 'cosine', batchSize: 2, shuffle: false, seed: 3 },
    { loss: 'rmse' },
    { loss: 'mae' },
    { loss: 'huber' },
    { loss: { name: 'huber', delta: 2 }, threads: 1 },
    { validation: data, earlyStopping: { patience: 2, minDelta: 0.1 }, restoreBest: false },
    { validation: 0.3, earlyStopping: true },
    { earlyStopping: false },
  ] as const)('native code understands %j', async options => {
    const history = await new Kan({ layers: [1, 1] }).fit(data, { ...options, steps: 3 })
    expect(history.records.length).toBeGreaterThan(0)
  })
})

test('what native code refuses is told in the names that the user wrote', async () => {
  const model = new Kan({ layers: [1, 1] })
  const one = await rejected(model.fit({ x: [[1]], y: [1] }, { validation: 0.5 }))
  expect(one).toMatchObject({ code: 'ERR_KAN_OPTION', details: { option: 'validation' } })
  expect(one.message).toMatch(/^validation: expected at least 2 rows/)
  const nesterov = { optimizer: { name: 'sgd', momentum: 0, nesterov: true } } as const
  expect((await rejected(model.fit(data, nesterov))).message).toMatch(/^optimizer\./)
  expect((await rejected(model.fit(data, { resume: true }))).message).toMatch(/^[A-Z]|^resume/)
  model.dispose()
  expect(thrown(() => model.parameters).message).toMatch(/^The model was disposed of/)
})

describe('that are no plain object', () => {
  class Settings {
    steps = 3
  }
  const inherited = Object.create({ steps: 3 })
  const odd: [string, unknown, RegExp][] = [
    ['a dataset', new Dataset(data), /an object of class Dataset[\s\S]*use \{ validation: … \}/],
    ['a map', new Map([['steps', 3]]), /an object of class Map[\s\S]*plain object/],
    ['an instance', new Settings(), /an object of class Settings[\s\S]*plain object/],
    ['inherited keys', inherited, /must be an object of options[\s\S]*prototype/],
    ['a list', [], /an array of length 0/],
    ['a typed array', new Float64Array(2), /a Float64Array/],
    ['null', null, /found null/],
  ]
  test.each(odd)('are refused: %s', async (_, options, message) => {
    const model = new Kan({ layers: [1, 1] })
    const error = await rejected(model.fit(data, options as never))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toMatch(message)
    expect(model.fitted).toBe(false)
    for (const call of [() => model.toBytes(options as never), () => new Kan(options as never)]) {
      expect(thrown(call).code).toBe('ERR_KAN_OPTION')
    }
  })

  test('as part of options are refused as well', async () => {
    const fit = (options: unknown) => rejected(new Kan({ layers: [1, 1] }).fit(data, options as never))
    expect((await fit({ optimizer: Object.create({ name: 'adam' }) })).message).toMatch(/optimizer must be a name or/)
    expect((await fit({ earlyStopping: new Map() })).message).toMatch(/earlyStopping must be an object/)
    expect((await fit({ checkpoint: new Settings() })).message).toMatch(/checkpoint must be an object/)
  })

  test('are told from plain ones of other realms and without a prototype', async () => {
    const model = new Kan(runInNewContext('({ layers: [1, 1], grid: 3 })'))
    expect(model.grid).toBe(3)
    const bare = Object.assign(Object.create(null), { steps: 2, optimizer: 'adam' })
    expect((await model.fit(data, bare)).steps).toBe(2)
    expect((await model.fit(data, runInNewContext('({ steps: 3, optimizer: { name: "adam" } })'))).steps).toBe(3)
  })
})

describe('of the other calls', () => {
  test('unknown ones are refused everywhere', async () => {
    const model = new Kan({ layers: [1, 1] })
    expect((await rejected(model.predict([[1]], { thread: 1 } as never))).message).toContain("Did you mean 'threads'")
    expect((await rejected(model.evaluate(data, { threads: 1.5 }))).message).toMatch(/threads/)
    expect((await rejected(model.save('x', { optimizerstate: true } as never))).message).toContain('optimizerState')
    expect(thrown(() => model.toBytes({ optimizerState: 1 as never })).message).toMatch(/true or false/)
    expect(thrown(() => model.cost({ batch: 0 })).message).toMatch(/batch must be a whole number at least 1/)
    expect(thrown(() => model.cost({ rows: 1 } as never)).message).toMatch(/Unknown option 'rows'/)
  })
})
