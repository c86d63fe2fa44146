import { inspect } from 'node:util'
import { Dataset, Kan, KanAbortError, KanError, KanRangeError, KanTypeError } from 'kanode'
import { describe, expect, test } from 'vitest'
import { described, fromNative, fromNativeText, inFile } from '../../src/errors.js'
import { loadError, NotInstalled } from '../../src/loader/error.js'
import { machineText, platformsOf, thisMachine } from '../../src/loader/machine.js'
import { thrown } from './helpers.js'

test('every error is a KanError, and those of arguments are TypeErrors and RangeErrors too', () => {
  const type = thrown(() => new Kan({ layers: '2' as never }))
  const range = thrown(() => new Kan({ layers: [2, 1], grid: 0 }))
  const data = thrown(() => new Dataset({ x: [] }))
  expect(type).toBeInstanceOf(TypeError)
  expect(type).toBeInstanceOf(KanTypeError)
  expect(type.name).toBe('TypeError')
  expect(range).toBeInstanceOf(RangeError)
  expect(range).toBeInstanceOf(KanRangeError)
  expect(range.name).toBe('RangeError')
  expect(data.name).toBe('KanError')
  expect(data).not.toBeInstanceOf(TypeError)
  expect(data).not.toBeInstanceOf(KanAbortError)
  for (const other of [new Error('x'), new TypeError('x'), {}, null]) expect(other).not.toBeInstanceOf(KanError)
})

test('an error has a code, a hint that is the end of its message, and frozen details', () => {
  const error = thrown(() => new Kan({ layers: [2, 1], gird: 5 } as never))
  expect(error.code).toBe('ERR_KAN_OPTION')
  expect(error.hint).toBe("Did you mean 'grid'?")
  expect(error.message).toBe("Unknown option 'gird' in the options of Kan\nHint: Did you mean 'grid'?")
  expect(error.details).toMatchObject({ option: 'gird' })
  expect(Object.isFrozen(error.details)).toBe(true)
  expect(inspect(error)).toMatch(/TypeError: Unknown option 'gird'[\s\S]*code: 'ERR_KAN_OPTION'/)
  expect(error.stack?.startsWith('TypeError: Unknown option')).toBe(true)
})

describe('native errors', () => {
  const json = (code: string, details = {}) => JSON.stringify({ code, message: 'what is wrong', details })

  test('become errors of the package with advice', () => {
    const busy = fromNativeText(json('ERR_KAN_BUSY'))
    expect(busy).toBeInstanceOf(KanError)
    expect(busy).toMatchObject({ code: 'ERR_KAN_BUSY', hint: expect.stringContaining('running fit') })
    expect(busy.message).toMatch(/^What is wrong\nHint: /)
    expect(fromNativeText(json('ERR_KAN_OPTION'))).toBeInstanceOf(RangeError)
    expect(fromNativeText(json('ERR_KAN_FILE', { kind: 'newer' }))).toMatchObject({
      hint: expect.stringContaining('update kanode'),
    })
  })

  test('of files have a hint for each kind, and none for a kind that is not known', () => {
    const hint = (kind: string) => (fromNativeText(json('ERR_KAN_FILE', { kind })) as KanError).hint
    expect(hint('unwritable')).toMatch(/not finite or the header is too large/)
    expect(hint('truncated')).toMatch(/ends too early/)
    for (const kind of ['constructor', '__proto__', 'unheard of']) expect(hint(kind)).toBeUndefined()
  })

  test('that are no JSON, or of no known code, are internal', () => {
    for (const text of ['Get TypedArray info failed', 'null', '{"code":"ENOENT"}', '{}']) {
      expect(fromNativeText(text)).toMatchObject({ code: 'ERR_KAN_INTERNAL' })
    }
    expect(fromNative(new Error(json('ERR_KAN_SHAPE')))).toMatchObject({ code: 'ERR_KAN_SHAPE' })
    expect(fromNative('a text')).toMatchObject({ code: 'ERR_KAN_INTERNAL' })
  })
})

describe('the file that an error is about', () => {
  test('comes first in its message, and the class and the code stay', () => {
    const errors = [
      new KanError({ code: 'ERR_KAN_CSV', message: 'a\nHint: b', details: { line: 2 } }),
      new KanTypeError({ code: 'ERR_KAN_OPTION', message: 'a', cause: 3 }),
      new KanRangeError({ code: 'ERR_KAN_OPTION', message: 'a', hint: 'own' }),
    ]
    const [csv, type, range] = errors.map(error => inFile(error, 'x.csv', 'advice') as KanError)
    expect(csv).toMatchObject({ code: 'ERR_KAN_CSV', message: 'x.csv: a\nHint: b\nHint: advice' })
    expect(csv!.details).toEqual({ line: 2, file: 'x.csv' })
    expect(type).toBeInstanceOf(TypeError)
    expect([type!.message, type!.cause]).toEqual(['x.csv: a\nHint: advice', 3])
    expect(range).toBeInstanceOf(RangeError)
    expect(range!.message).toBe('x.csv: a\nHint: own')
  })

  test('is left out where the file has no part in it', () => {
    const abort = new KanAbortError('enough')
    const other = new Error('x')
    expect(inFile(abort, 'x.csv')).toBe(abort)
    expect(inFile(other, 'x.csv')).toBe(other)
  })
})

test('values are described in few words', () => {
  const values = [
    null,
    undefined,
    'a',
    'x'.repeat(99),
    3n,
    () => 1,
    [1, 2],
    {},
    new Map(),
    new Float32Array(1),
    Number.NaN,
  ]
  expect(values.map(described)).toEqual([
    'null',
    'undefined',
    "'a'",
    `'${'x'.repeat(39)}…'`,
    '3n',
    'a function',
    'an array of length 2',
    'an object',
    'an object of class Map',
    'a Float32Array',
    'NaN',
  ])
  expect(described(Object.create(null))).toBe('an object')
})

test('asking for the machine leaves the reports of the process as they were', () => {
  const excluded = () => Reflect.get(process.report, 'excludeNetwork')
  const before = excluded()
  expect(thisMachine()).toMatchObject({ os: process.platform, cpu: process.arch })
  expect(excluded()).toBe(before)
})

test.each([
  [
    { os: 'linux', cpu: 'x64', libc: 'glibc', glibc: '2.36' },
    'linux-x64-gnu',
    'linux x64 with glibc 2.36, Node 20.20.2',
  ],
  [{ os: 'linux', cpu: 'arm64', libc: 'musl' }, 'linux-arm64-musl', 'linux arm64 with musl, Node 20.20.2'],
  [{ os: 'linux', cpu: 'x64' }, 'linux-x64-gnu linux-x64-musl', 'linux x64, Node 20.20.2'],
  [{ os: 'darwin', cpu: 'arm64' }, 'darwin-arm64', 'darwin arm64, Node 20.20.2'],
  [{ os: 'win32', cpu: 'x64' }, 'win32-x64-msvc', 'win32 x64, Node 20.20.2'],
] as const)('the platform of %o is %s', (facts, platforms, text) => {
  const machine = { ...facts, runtime: 'Node 20.20.2' }
  expect(platformsOf(machine).join(' ')).toBe(platforms)
  expect(machineText(machine)).toBe(text)
})

describe('a library that could not be loaded', () => {
  const machine = { os: 'linux', cpu: 'x64', libc: 'glibc', glibc: '2.12', runtime: 'Node 20.20.2' } as const
  const told = (error: unknown, other: object = {}) =>
    loadError({
      machine,
      version: '1.0.0',
      attempts: [{ where: 'somewhere', error }],
      installed: [],
      manager: 'npm',
      engines: '>=20.19',
      sources: undefined,
      repository: undefined,
      ...other,
    })
  const lacking = new Error(
    "version `GLIBC_2.9' not found (required by a)\nversion `GLIBC_2.17' not found (required by b)",
  )

  test('names the newest glibc that is missing, and what is of use against it', () => {
    expect(told(lacking).message).toContain('its library needs glibc 2.17 or later, and this system has 2.12.')
    expect(told(lacking).hint).toBe('Use a newer system or image.')
    expect(told(lacking, { repository: '/kanode' }).hint).toMatch(
      /^Run `npm run build` in \/kanode, .* on this system\.$/,
    )
  })

  test.each([
    ['Node 18.20.8', 'node'],
    ['Node 20.18.3', 'node'],
    ['Node 20.19.0', 'missing'],
    ['Node 26.0.0', 'missing'],
    ['Bun 1.4.5', 'missing'],
  ])('that is not installed for %s: %s', (runtime, reason) => {
    const error = told(new NotInstalled(undefined), { machine: { ...machine, runtime } })
    expect(error.details).toMatchObject({ reason })
    if (reason === 'node') expect(error.message).toContain(': kanode is for Node.js >=20.19.\n')
  })

  test.each([
    [Object.assign(new Error('EACCES: permission denied, open'), { code: 'EACCES' }), /let this user read/],
    [Object.assign(new Error('operation not permitted'), { code: 'EPERM' }), /let this user read/],
    [new Error('a.node: cannot open shared object file: Permission denied'), /let this user read/],
    [new Error('a.node: failed to map segment from shared object'), /does not allow code from the file system/],
  ])('because the system forbids it is not called damaged: %s', (error, cause) => {
    expect(told(error).details).toMatchObject({ reason: 'permission' })
    expect(told(error).message).toMatch(cause)
  })

  test('for want of a package of this platform says where the sources are, if that is known', () => {
    expect(told(undefined, { attempts: [] }).hint).toContain(': clone the repository, run')
    const sources = 'https://github.com/kanode/kanode.git'
    expect(told(undefined, { attempts: [], sources }).hint).toContain(`: clone ${sources}, run`)
  })
})
