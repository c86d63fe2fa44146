import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import { Dataset, Kan, KanError } from 'kanode'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readSchema, writeSchema } from '../../src/description.js'
import { folder, rejected, surface, thrown } from './helpers.js'

async function fitted(dtype: 'f64' | 'f32' = 'f64') {
  const model = new Kan({ layers: [2, 3, 1], grid: 4, dtype, knots: 'extended', outside: 'constant', base: 'identity' })
  await model.fit(surface(50), { steps: 5 })
  return model
}

describe.each(['f64', 'f32'] as const)('a file of %s', dtype => {
  test('brings back the same model, bit by bit', async () => {
    const model = await fitted(dtype)
    const file = path.join(folder(), 'model.kan')
    await model.save(file)
    const again = await Kan.load(pathToFileURL(file))
    expect(again.parameters).toEqual(model.parameters)
    expect([again.layers, again.grid, again.dtype, again.loss]).toEqual([[2, 3, 1], 4, dtype, 'mse'])
    const { x } = surface(20)
    expect(again.predictSync(x)).toEqual(model.predictSync(x))
    expect(again.toBytes()).toEqual(model.toBytes())
    expect(new Uint8Array(readFileSync(file))).toEqual(new Uint8Array(model.toBytes()))
    expect(again.resumable).toBe(false)
  })

  test('keeps the state of the optimiser on request only', async () => {
    const model = await fitted(dtype)
    expect(Kan.fromBytes(model.toBytes({ optimizerState: true })).resumable).toBe(true)
    expect(model.toBytes({ optimizerState: true }).length).toBeGreaterThan(model.toBytes().length)
  })
})

test('names and encoding are in the file', async () => {
  const rows = surface(30).x.map(([a, b], i) => ({ a: i % 4 === 3 ? null : a!, kind: i % 2 ? 'odd' : 'even', out: b! }))
  const data = Dataset.fromRows(rows, { target: 'out', missing: 'median' })
  const model = new Kan({ layers: [3, 1] })
  await model.fit(data, { steps: 3 })
  const again = Kan.fromBytes(model.toBytes())
  expect(again.inputNames).toEqual(['a', 'kind=even', 'kind=odd'])
  expect(again.outputNames).toEqual(['out'])
  expect(again.encoding).toEqual(data.encoding)
  expect(await again.predict([{ a: null, kind: 'odd' }])).toEqual(await model.predict([{ a: null, kind: 'odd' }]))
})

test('a file is replaced as a whole and nothing else is left in its folder', async () => {
  const at = folder()
  const file = path.join(at, 'model.kan')
  writeFileSync(file, 'something else')
  await (await fitted()).save(file)
  expect(readdirSync(at)).toEqual(['model.kan'])
  expect((await Kan.load(file)).fitted).toBe(true)
})

test('a file that cannot be written or read says why', async () => {
  const model = await fitted()
  const at = folder()
  mkdirSync(path.join(at, 'taken.kan'))
  for (const file of [path.join(at, 'no', 'model.kan'), path.join(at, 'taken.kan')]) {
    const error = await rejected(model.save(file))
    expect(error).toMatchObject({ code: 'ERR_KAN_FILE', details: { kind: 'io', file } })
    expect(error.message.startsWith(`The model can't be written to '${file}': `)).toBe(true)
    expect(error.message).not.toContain('.tmp')
  }
  expect(await rejected(Kan.load(path.join(at, 'none.kan')))).toMatchObject({
    code: 'ERR_KAN_FILE',
    details: { kind: 'io', reason: 'ENOENT' },
  })
  expect(await rejected(model.save(3 as never))).toBeInstanceOf(TypeError)
  expect(await rejected(Kan.load('a\0b'))).toBeInstanceOf(RangeError)
  expect(thrown(() => Kan.fromBytes('bytes' as never))).toBeInstanceOf(TypeError)
})

test('a path is taken from where the working directory was in the call', async () => {
  const [here, there] = [folder(), folder()]
  const model = await fitted()
  const before = process.cwd()
  onTestFinished(() => process.chdir(before))
  process.chdir(here)
  const saved = Array.from({ length: 8 }, (_, i) => model.save(`${i}.kan`))
  process.chdir(there)
  await Promise.all(saved)
  expect([readdirSync(here).length, readdirSync(there).length]).toEqual([8, 0])
  process.chdir(here)
  const loaded = Kan.load('0.kan')
  process.chdir(there)
  expect((await loaded).fitted).toBe(true)
})

describe('a file of another kind', () => {
  const most = () => process.resourceUsage().maxRSS / 1024

  /** A file of 1.5 GB, most of it a hole, that begins with these bytes. */
  function large(...start: Uint8Array[]): string {
    const file = path.join(folder(), 'large.kan')
    writeFileSync(file, Buffer.concat(start))
    truncateSync(file, 1.5e9)
    return file
  }

  const length = (bytes: number) => {
    const number = Buffer.alloc(8)
    number.writeBigUInt64LE(BigInt(bytes))
    return number
  }

  test.each([
    ['zeros', []],
    ['a header too long', [length(2 ** 40)]],
    ['a header of another program', [length(20), Buffer.from('{"__metadata__":{}}  ')]],
  ])('is refused before it is read: %s', async (_, start) => {
    const file = large(...start)
    const before = most()
    const error = await rejected(Kan.load(file))
    expect(error).toMatchObject({ code: 'ERR_KAN_FILE', details: { kind: 'corrupt', file } })
    expect(error.message).toContain('not a kanode model')
    expect(most() - before).toBeLessThan(300)
  })

  test('or no file at all is refused', async () => {
    const at = folder()
    expect(await rejected(Kan.load(at))).toMatchObject({
      message: expect.stringContaining('it is a folder'),
      details: { kind: 'io' },
    })
    if (process.platform === 'win32') return
    const pipe = path.join(at, 'pipe')
    execFileSync('mkfifo', [pipe])
    expect((await rejected(Kan.load(pipe))).message).toContain('not a regular file')
  })

  test('that is short is told by what it lacks', async () => {
    const file = path.join(folder(), 'short.kan')
    for (const bytes of [0, 5, 8, 9]) {
      writeFileSync(file, (await fitted()).toBytes().slice(0, bytes))
      expect(await rejected(Kan.load(file))).toMatchObject({
        code: 'ERR_KAN_FILE',
        details: { kind: 'truncated', file },
      })
    }
  })
})

describe('damaged bytes', () => {
  test('any cut is refused as truncated or corrupt', async () => {
    const bytes = (await fitted()).toBytes()
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 1 }), length => {
        const error = thrown(() => Kan.fromBytes(bytes.slice(0, length)))
        expect(error.code).toBe('ERR_KAN_FILE')
        expect(['truncated', 'corrupt']).toContain(error.details.kind)
      }),
    )
  })

  test('any changed byte gives an error of the file or a model that works', async () => {
    const bytes = (await fitted()).toBytes({ optimizerState: true })
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const copy = bytes.slice()
        copy[at]! ^= change
        try {
          expect(Kan.fromBytes(copy).predictSync([0, 0])).toHaveLength(1)
        } catch (error) {
          expect(error).toBeInstanceOf(KanError)
          expect((error as KanError).code).toBe('ERR_KAN_FILE')
        }
      }),
      { numRuns: 300 },
    )
  })

  test('noise is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        expect(thrown(() => Kan.fromBytes(bytes)).code).toBe('ERR_KAN_FILE')
      }),
    )
  })

  test('the name of the file is in the error', async () => {
    const file = path.join(folder(), 'model.kan')
    writeFileSync(file, (await fitted()).toBytes().slice(0, 100))
    const error = await rejected(Kan.load(file))
    expect(error.message.startsWith(`${file}: `)).toBe(true)
    expect(error.details).toMatchObject({ kind: 'truncated', file })
  })
})

describe('what the facade keeps in a file', () => {
  const encoding = Dataset.fromRows([{ a: 1, b: 'x' }]).encoding

  test('survives', () => {
    expect(readSchema(writeSchema({ encoding, classes: ['x'] }), 2)).toEqual({ encoding, classes: ['x'] })
    expect(writeSchema({ encoding: null, classes: null })).toBe('')
    expect(readSchema('', 2)).toEqual({ encoding: null, classes: null })
  })

  test.each([
    ['no JSON', '{'],
    ['no object', '3'],
    ['no version', '{}'],
    ['classes that are numbers', '{"version":1,"encoding":null,"classes":[1]}'],
    [
      'an encoding of another width',
      JSON.stringify({ version: 1, encoding: { ...encoding, features: [] }, classes: null }),
    ],
    [
      'features that are none',
      JSON.stringify({ version: 1, encoding: { ...encoding, features: [1, 2] }, classes: null }),
    ],
  ])('is refused: %s', (_, text) => {
    const error = thrown(() => readSchema(text, 2))
    expect(error).toMatchObject({ code: 'ERR_KAN_FILE', details: { kind: 'corrupt' } })
  })

  test('says when it is newer', () => {
    expect(thrown(() => readSchema('{"version":2}', 2)).details.kind).toBe('newer')
  })

  test('whatever it is, it is a schema or an error of the file', () => {
    fc.assert(
      fc.property(fc.json(), text => {
        try {
          readSchema(text, 2)
        } catch (error) {
          expect((error as KanError).code).toBe('ERR_KAN_FILE')
        }
      }),
    )
  })
})
