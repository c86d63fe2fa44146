// Runtimes count as cached only where every one has the version that is pinned.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

let work, runtimes
beforeEach(async () => {
  work = mkdtempSync(path.join(tmpdir(), 'kanode-runtimes-'))
  vi.stubEnv('KANODE_RUNTIMES', work)
  vi.resetModules()
  runtimes = await import('./runtimes.mjs')
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(work, { recursive: true, force: true })
})

/** Lays out all runtimes as npm would, those in `others` with another version. */
function layOut(others = {}) {
  for (const [alias, pin] of Object.entries(runtimes.packages)) {
    const [, name, version] = pin.match(/^npm:(.+)@(.+)$/)
    const folder = path.join(work, 'node_modules', alias)
    mkdirSync(folder, { recursive: true })
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name, version: others[alias] ?? version }))
  }
}

test('an empty folder holds none', () => {
  expect(runtimes.areCached()).toBe(false)
})

test('those that are pinned are cached, and not where one is missing', () => {
  layOut()
  expect(runtimes.areCached()).toBe(true)
  rmSync(path.join(work, 'node_modules', 'bun'), { recursive: true })
  expect(runtimes.areCached()).toBe(false)
})

test('an older version is not the one that is pinned', () => {
  layOut({ 'node-24': '24.0.0' })
  expect(runtimes.areCached()).toBe(false)
})

test('runtimes are chosen by their names', () => {
  const pairs = [
    ['node-20', []],
    ['bun', ['bun']],
    ['deno', ['deno', 'run']],
  ]
  expect(runtimes.chosen(pairs)).toEqual(pairs)
  expect(runtimes.chosen(pairs, 'all')).toEqual(pairs)
  expect(runtimes.chosen(pairs, 'bun,deno')).toEqual(pairs.slice(1))
  expect(() => runtimes.chosen(pairs, 'bunn')).toThrow('no runtime is called "bunn": node-20, ')
})
