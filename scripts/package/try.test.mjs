// The trials of a release, with tools that only pretend: what is run in which order, and how long a trial waits for the
// registry.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Failure, root } from '../processes.mjs'
import { patiently } from './smoke.mjs'

const library = 'kanode.linux-x64-musl.node'
let clone

/** Writes a file below the clone. */
function write(name, text, mode = 0o644) {
  const file = path.join(clone, name)
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, text, { mode })
}

/** Runs `try.mjs` in the clone; returns its status, what it says is wrong, and what it has started. */
function attempt(...args) {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/package/try.mjs', ...args], {
    cwd: clone,
    encoding: 'utf8',
    env: { PATH: path.join(clone, 'bin'), npm_execpath: path.join(clone, 'bin', 'npm-cli.js') },
  })
  const log = path.join(clone, 'log')
  return { status, stderr, started: existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [] }
}

/** A program that writes its name and arguments down. */
const noting = name =>
  `require('node:fs').appendFileSync('log', ['${name}', ...process.argv.slice(2)].join(' ') + '\\n')\n`

// The programs that pretend are shell scripts.
describe.skipIf(process.platform === 'win32')('a library is tried', () => {
  beforeEach(() => {
    clone = mkdtempSync(path.join(tmpdir(), 'kanode-try-'))
    cpSync(path.join(root, 'scripts'), path.join(clone, 'scripts'), { recursive: true })
    cpSync(path.join(root, 'package.json'), path.join(clone, 'package.json'))
    write('bin/npm-cli.js', noting('npm'))
    write('bin/docker', '#!/bin/sh\necho "docker $*" >>log\n', 0o755)
    for (const name of ['vitest', 'ava']) {
      write(`node_modules/${name}/package.json`, JSON.stringify({ bin: { [name]: 'bin.js' } }))
      write(`node_modules/${name}/bin.js`, noting(name))
    }
    write('dist/index.js', '')
    write(`artifacts/${library}`, 'the library')
  })
  afterEach(() => rmSync(clone, { recursive: true, force: true }))

  test('here: by the tests and by the round trip, on what was built elsewhere', () => {
    expect(attempt('linux-x64-musl')).toEqual({
      status: 0,
      stderr: '',
      started: ['npm ci', 'vitest run __test__', 'ava', `npm run round-trip -- --library artifacts/${library}`],
    })
    expect(readFileSync(path.join(clone, 'dist', library), 'utf8')).toBe('the library')
  })

  test('in a container: by the same script', () => {
    expect(attempt('linux-x64-musl', 'node:22-alpine')).toMatchObject({
      status: 0,
      started: [
        expect.stringMatching(
          /^docker run --rm --volume \S+:\/kanode --workdir \/kanode node:22-alpine node scripts\/package\/try\.mjs linux-x64-musl$/,
        ),
      ],
    })
  })

  test('and refused when a test fails, with nothing done after it', () => {
    write('node_modules/vitest/bin.js', 'process.exit(3)')
    const { status, stderr, started } = attempt('linux-x64-musl')
    expect({ status, started }).toEqual({ status: 1, started: ['npm ci'] })
    expect(stderr).toMatch(/run __test__ failed with status 3\n$/)
  })

  test.each([
    [[], 'name the platform to try, such as linux-x64-gnu\n'],
    [['linux-x86'], /^no target is called "linux-x86"/],
  ])('only by a name that is known: %j', (args, message) => {
    expect(attempt(...args)).toMatchObject({ status: 1, stderr: expect.stringMatching(message), started: [] })
  })
})

describe('an installation', () => {
  /** An installation that fails so many times, and how often it was tried. */
  function failing(times, message) {
    const install = () => {
      install.tried += 1
      if (install.tried <= times) throw new Failure(message)
      return 'installed'
    }
    install.tried = 0
    return install
  }

  test('is repeated while the registry does not know the version', async () => {
    for (const code of ['E404', 'ETARGET']) {
      const install = failing(2, `npm error code ${code}`)
      expect(await patiently(install, { tries: 3, pause: 0 })).toBe('installed')
      expect(install.tried).toBe(3)
    }
  })

  test('is given up in the end, and at once for another reason', async () => {
    const unknown = failing(9, 'npm error code E404')
    await expect(patiently(unknown, { tries: 3, pause: 0 })).rejects.toThrow('E404')
    expect(unknown.tried).toBe(3)
    const broken = failing(9, 'npm error code EINTEGRITY')
    await expect(patiently(broken, { tries: 3, pause: 0 })).rejects.toThrow('EINTEGRITY')
    expect(broken.tried).toBe(1)
  })
})
