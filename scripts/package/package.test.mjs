// What is published: the files of every package, and that npm installs them together.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { root } from '../processes.mjs'
import { buildCommand, newestGlibc } from './library.mjs'
import { pack, readManifest, requireConsistent, stage } from './stage.mjs'
import { targetOf, targets } from './targets.mjs'

const require = createRequire(import.meta.url)
const main = readManifest(root)
const work = mkdtempSync(path.join(tmpdir(), 'kanode-package-'))
afterEach(() => vi.unstubAllEnvs())
afterAll(() => rmSync(work, { recursive: true, force: true }))

test('the loader knows the platforms that have a package, and no others', () => {
  const { platforms } = require('../../dist/loader/binding.js')
  expect([...platforms].sort()).toEqual(targets.map(({ platform }) => platform).sort())
})

test('an unknown platform is refused by name', () => {
  expect(targetOf('linux-arm64-musl').triple).toBe('aarch64-unknown-linux-musl')
  expect(() => targetOf('linux-x86')).toThrow('no target is called "linux-x86": choose from linux-x64-gnu')
})

test('the licences and sources of the crates are judged for every platform', () => {
  const [, list] = readFileSync(path.join(root, 'deny.toml'), 'utf8').match(/^targets = \[([^\]]*)\]/m)
  expect([...list.matchAll(/"([^"]+)"/g)].map(([, triple]) => triple)).toEqual(main.napi.targets)
})

test('the crates and the package have one version', () => {
  const cargo = readFileSync(path.join(root, 'Cargo.toml'), 'utf8')
  expect(cargo.match(/^version = "([^"]+)"/m)[1]).toBe(main.version)
})

describe('the packages of all platforms', () => {
  let folders
  beforeAll(() => {
    vi.stubEnv('GITHUB_REPOSITORY', 'kanode/kanode')
    vi.stubEnv('GITHUB_SERVER_URL', 'https://github.com')
    const [folder, libraries] = ['staged', 'libraries'].map(name => path.join(work, name))
    mkdirSync(libraries)
    for (const { library } of targets) writeFileSync(path.join(libraries, library), library)
    folders = stage({ folder, targets, libraries })
  })

  const packed = index => pack(folders.at(index), path.join(work, 'packed'))
  const names = index => packed(index).files.map(file => file.path)

  test('are one for each target, and the main package after them', () => {
    expect(folders.map(folder => readManifest(folder).name)).toEqual([
      ...targets.map(({ platform }) => `@kanode/binding-${platform}`),
      'kanode',
    ])
  })

  test('hold the library of their platform and the licences, and nothing else', () => {
    for (const [i, { library, os, cpu, abi }] of targets.entries()) {
      expect(names(i)).toEqual(['LICENSE', 'README.md', 'THIRD-PARTY-LICENSES', library, 'package.json'].sort(byName))
      const { engines, license, main: entry, ...manifest } = readManifest(folders[i])
      expect({ engines, license, entry }).toEqual({ engines: main.engines, license: 'MIT', entry: library })
      expect(manifest).toMatchObject({ os: [os], cpu: [cpu] })
      expect(manifest.libc).toEqual({ gnu: ['glibc'], musl: ['musl'] }[abi])
      expect(readFileSync(path.join(folders[i], 'README.md'), 'utf8')).toContain('npm install kanode\n')
    }
  })

  test('and the main package: what users read and run, and nothing else', () => {
    const found = names(-1)
    const documents = ['CHANGELOG.md', 'LICENSE', 'README.md', 'THIRD-PARTY-LICENSES', 'index.d.ts', 'package.json']
    const data = ['examples/data/README.md', 'examples/data/cars.csv']
    expect(found.filter(name => !name.startsWith('dist/')).sort()).toEqual([...documents, ...data].sort())
    const others = found.filter(name => name.startsWith('dist/') && !/\.(d\.[cm]?ts|[cm]?js)$/.test(name))
    expect(others).toEqual([])
    for (const name of [main.main, main.exports['.'].import.default, main.exports['.'].import.types]) {
      expect(found).toContain(path.posix.normalize(name))
    }
  })

  test('have no scripts, no dependencies but the platform packages, and no trace of development', () => {
    const { optionalDependencies, ...manifest } = readManifest(folders.at(-1))
    expect(Object.values(optionalDependencies)).toEqual(targets.map(() => main.version))
    for (const key of ['private', 'scripts', 'dependencies', 'devDependencies', 'overrides', 'napi']) {
      expect(manifest).not.toHaveProperty(key)
    }
  })

  test('name the repository from which GitHub builds them, which provenance demands', () => {
    const repository = { type: 'git', url: 'git+https://github.com/kanode/kanode.git' }
    for (const folder of folders) expect(readManifest(folder).repository).toEqual(repository)
  })
})

describe('packages that npm would not install together are refused', () => {
  const [target] = targets
  const platform = { name: 'platform', version: '1.0.0', engines: main.engines }
  const optionalDependencies = { [`@kanode/binding-${target.platform}`]: '1.0.0' }
  const root = { ...platform, name: 'root', optionalDependencies }

  test.each([
    ['other engines', { ...platform, engines: { node: '>=22' } }, root],
    ['no engines', { ...platform, engines: undefined }, root],
    ['another version', { ...platform, version: '1.0.1' }, root],
    ['scripts', { ...platform, scripts: { install: 'node-gyp rebuild' } }, root],
    ['a platform that is left out', platform, { ...root, optionalDependencies: {} }],
    [
      'a platform that is not there',
      platform,
      { ...root, optionalDependencies: { ...optionalDependencies, x: '1.0.0' } },
    ],
  ])('%s', (_, ...manifests) => {
    expect(() => requireConsistent([platform, root], [target])).not.toThrow()
    expect(() => requireConsistent(manifests, [target])).toThrow()
  })
})

test('libraries for Linux are linked by zig, for the oldest glibc or for musl', () => {
  const command = platform => buildCommand(targetOf(platform))
  expect(command('linux-x64-gnu').args.join(' ')).toMatch(/^zigbuild .*--target x86_64-unknown-linux-gnu\.2\.17$/)
  expect(command('linux-arm64-musl')).toMatchObject({ env: { RUSTFLAGS: expect.stringMatching(/-crt-static$/) } })
  expect(command('linux-arm64-musl').args).toContain('aarch64-unknown-linux-musl')
  expect(command('darwin-arm64').args[0]).toBe('build')
  expect(command('win32-x64-msvc').env.RUSTFLAGS).toMatch(/\+crt-static$/)
})

test('the newest symbol of glibc decides what a library needs', () => {
  expect(newestGlibc(Buffer.from('\0GLIBC_2.9\0GLIBC_2.17\0GLIBC_2.2.5\0'))).toBe(17)
  expect(newestGlibc(Buffer.from('no library of Linux'))).toBeUndefined()
})

function byName(a, b) {
  return a < b ? -1 : 1
}
