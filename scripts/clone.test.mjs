// The scripts in a clone of their own, with tools that only pretend: what is made when, and what is said when
// something is missing.
import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { root } from './processes.mjs'

let clone

/** Writes a file below the clone. */
function write(name, text, mode = 0o644) {
  const file = path.join(clone, name)
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, text, { mode })
}

/** A program on the PATH of the clone. */
function program(name, script) {
  write(`bin/${name}`, `#!/bin/sh\n${script}\n`, 0o755)
}

/** Runs a script of the clone, with nothing but its own programs on the PATH. */
function run(script, ...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join('scripts', script), ...args], {
    cwd: clone,
    encoding: 'utf8',
    env: { PATH: path.join(clone, 'bin'), npm_execpath: path.join(clone, 'bin', 'npm-cli.js') },
  })
  return { status, stdout, stderr, made: [...stdout.matchAll(/^kanode: (\w+) .* …$/gm)].map(([, what]) => what) }
}

/** The native tool, which keeps its arguments and writes what it is told to. */
const napi = `const { appendFileSync, writeFileSync } = require('node:fs')
appendFileSync('napi.log', process.argv.slice(2).join(' ') + '\\n')
for (const name of ['native.d.cts', 'kanode.any.node']) writeFileSync('src/' + name, name)`

const tsc = `const { mkdirSync, writeFileSync } = require('node:fs')
mkdirSync('dist')
writeFileSync('dist/index.js', '')`

const npm = `const { mkdirSync, writeFileSync } = require('node:fs')
const tools = ${JSON.stringify({ '@napi-rs/cli': ['napi', napi], typescript: ['tsc', tsc] })}
for (const [name, [bin, code]] of Object.entries(tools)) {
  mkdirSync('node_modules/' + name, { recursive: true })
  writeFileSync('node_modules/' + name + '/package.json', JSON.stringify({ bin: { [bin]: 'bin.js' } }))
  writeFileSync('node_modules/' + name + '/bin.js', code)
}
writeFileSync('node_modules/.package-lock.json', '{}')`

// The programs that pretend are shell scripts.
describe.skipIf(process.platform === 'win32')('a clone', () => {
  beforeEach(() => {
    clone = mkdtempSync(path.join(tmpdir(), 'kanode-clone-'))
    cpSync(path.join(root, 'scripts'), path.join(clone, 'scripts'), { recursive: true })
    write('package.json', '{"engines":{"node":">=20.19"}}')
    write('Cargo.toml', '[workspace.package]\nrust-version = "1.89"\n')
    write('src/index.mjs', '')
    write('src/index.d.mts', '')
    write('examples/cars.mjs', "console.log('trained with', process.argv.slice(2).join())")
    write('bin/npm-cli.js', npm)
    for (const name of ['cargo', 'rustc']) program(name, `echo "${name} 1.95.0 (f2d3ce0bd 2026-03-21)"`)
  })
  afterEach(() => rmSync(clone, { recursive: true, force: true }))

  test('is built by its first start, and used as it is by the second', () => {
    const first = run('start.mjs', '--some', 'words')
    expect(first).toMatchObject({ status: 0, stderr: '', made: ['installing', 'building', 'compiling'] })
    expect(first.stdout).toMatch(/trained with --some,words\n$/)
    expect(readdirSync(path.join(clone, 'dist')).sort()).toEqual(
      ['index.js', 'index.d.mts', 'index.mjs', 'kanode.any.node', 'native.d.cts'].sort(),
    )
    const second = run('start.mjs')
    expect(second).toMatchObject({ status: 0, made: [] })
    expect(second.stdout).toMatch(/^kanode: the build is up to date \(checked in [\d.]+ s\)\ntrained with \n$/)
  })

  test('is built again where an output is gone, and only as far as needed', () => {
    expect(run('setup.mjs').status).toBe(0)
    rmSync(path.join(clone, 'dist', 'kanode.any.node'))
    expect(run('setup.mjs').made).toEqual(['compiling'])
    expect(existsSync(path.join(clone, 'dist', 'kanode.any.node'))).toBe(true)
    rmSync(path.join(clone, 'src', 'kanode.any.node'))
    expect(run('setup.mjs').made).toEqual(['building'])
    expect(existsSync(path.join(clone, 'src', 'kanode.any.node'))).toBe(true)
    expect(run('setup.mjs').made).toEqual([])
  })

  test('is built again where an input has changed, and only as far as needed', () => {
    expect(run('setup.mjs').status).toBe(0)
    appendFileSync(path.join(clone, 'src', 'index.mjs'), '//\n')
    expect(run('setup.mjs').made).toEqual(['compiling'])
    write('crates/a/src/lib.rs', '')
    expect(run('setup.mjs').made).toEqual(['building'])
    program('rustc', 'echo "rustc 1.96.0"')
    expect(run('setup.mjs').made).toEqual(['building'])
    expect(run('setup.mjs', 'native').made).toEqual(['building'])
    write('package-lock.json', '{}')
    expect(run('setup.mjs').made).toEqual(['installing', 'compiling'])
    expect(run('setup.mjs').made).toEqual([])
  })

  test('is built with the versions in its lock file', () => {
    run('setup.mjs', 'native')
    expect(readFileSync(path.join(clone, 'napi.log'), 'utf8')).toMatch(/ -- --locked\n$/)
  })

  test('is not taken for whole when a step failed', () => {
    write('bin/npm-cli.js', npm.replace("mkdirSync('dist')", 'process.exit(3)'))
    expect(run('setup.mjs')).toMatchObject({
      status: 1,
      stderr: 'kanode: compiling the TypeScript failed with status 3\n',
    })
    expect(run('setup.mjs').made).toEqual(['compiling'])
  })

  describe.each(['start.mjs', 'test.mjs', 'setup.mjs', 'check.mjs'])(
    'without what it needs, %s says so in one line',
    script => {
      const refused = message =>
        expect(run(script)).toEqual({ status: 1, stdout: '', stderr: `${message}\n`, made: [] })
      const get = 'install the stable toolchain from https://rustup.rs'

      test('no Rust', () => {
        rmSync(path.join(clone, 'bin', 'cargo'))
        refused(`kanode needs Rust 1.89 or later, found no cargo on the PATH: ${get}`)
      })

      test('the Rust of an older distribution', () => {
        for (const name of ['cargo', 'rustc']) program(name, `echo "${name} 1.63.0"`)
        refused(
          'kanode needs Rust 1.89 or later, found cargo 1.63.0: run "rustup update stable", or install Rust from https://rustup.rs',
        )
      })

      test('an older compiler beside a newer cargo', () => {
        program('rustc', 'echo "rustc 1.88.0 (6b00bc388 2025-06-23)"')
        refused(
          'kanode needs Rust 1.89 or later, found rustc 1.88.0: run "rustup update stable", or install Rust from https://rustup.rs',
        )
      })

      test('rustup without a toolchain', () => {
        const lines = [
          'info: syncing channel updates',
          'error: no default toolchain is configured',
          "help: run 'rustup'",
        ]
        program('cargo', `${lines.map(line => `echo "${line}" >&2`).join('\n')}\nexit 1`)
        refused(
          `kanode needs Rust 1.89 or later, found a cargo that does not run (no default toolchain is configured): ${get}`,
        )
      })

      test('a cargo that fails without a word', () => {
        program('cargo', 'exit 7')
        refused(`kanode needs Rust 1.89 or later, found a cargo that does not run (it says nothing): ${get}`)
      })
    },
  )
})
