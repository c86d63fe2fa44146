// How the scripts find npm where npm itself did not start them.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { npm } from './processes.mjs'

let work
beforeEach(() => {
  work = realpathSync(mkdtempSync(path.join(tmpdir(), 'kanode-npm-')))
  vi.stubEnv('npm_execpath', undefined)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(work, { recursive: true, force: true })
})

/** Writes a script with npm's name below `folder`. */
function scriptIn(folder) {
  const script = path.join(folder, 'node_modules', 'npm', 'bin', 'npm-cli.js')
  mkdirSync(path.dirname(script), { recursive: true })
  writeFileSync(script, '')
  return script
}

test('npm is a script beside the programs on the PATH, as on Windows', () => {
  const [empty, programs] = ['empty', 'programs'].map(name => path.join(work, name))
  const script = scriptIn(programs)
  // Git's shell starts npm by this one, which is no script for Node.js.
  writeFileSync(path.join(programs, 'npm'), '#!/bin/sh\n')
  vi.stubEnv('PATH', [empty, programs].join(path.delimiter))
  expect(npm('ci')).toEqual([process.execPath, [script, 'ci']])
})

test.skipIf(process.platform === 'win32')('npm is what a link on the PATH leads to, as elsewhere', () => {
  const script = scriptIn(path.join(work, 'lib'))
  const programs = path.join(work, 'bin')
  mkdirSync(programs)
  symlinkSync(script, path.join(programs, 'npm'))
  vi.stubEnv('PATH', programs)
  expect(npm('ci')).toEqual([process.execPath, [script, 'ci']])
})

test('the npm that runs us comes first', () => {
  const ours = scriptIn(path.join(work, 'ours'))
  const theirs = path.join(work, 'theirs')
  scriptIn(theirs)
  vi.stubEnv('npm_execpath', ours)
  vi.stubEnv('PATH', theirs)
  expect(npm('ci')).toEqual([process.execPath, [ours, 'ci']])
})
