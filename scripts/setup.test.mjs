import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { fingerprint } from './freshness.mjs'
import { root } from './processes.mjs'
import { isOlder } from './rust.mjs'

const folder = mkdtempSync(path.join(tmpdir(), 'kanode-setup-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('versions are compared by numbers, as far as the wanted one goes', () => {
  expect(isOlder('1.9.0', '1.89')).toBe(true)
  expect(isOlder('1.100.0', '1.89')).toBe(false)
  expect(isOlder('1.89.0', '1.89')).toBe(false)
  expect(isOlder('0.99.9', '1.89')).toBe(true)
})

test('a fingerprint changes with the content and the name of any file below a folder', () => {
  const below = path.relative(root, folder)
  mkdirSync(path.join(folder, 'a'))
  writeFileSync(path.join(folder, 'a', 'one'), '1')
  const before = fingerprint([below], 'same')
  expect(fingerprint([below], 'same')).toBe(before)
  expect(fingerprint([below], 'other')).not.toBe(before)
  writeFileSync(path.join(folder, 'a', 'one'), '2')
  const changed = fingerprint([below], 'same')
  expect(changed).not.toBe(before)
  writeFileSync(path.join(folder, 'a', 'two'), '')
  expect(fingerprint([below], 'same')).not.toBe(changed)
})

test('a missing toolchain is said in one line', () => {
  const script = "import('./scripts/rust.mjs').then(m => m.requireRust()).catch(e => console.log(e.message))"
  const { stdout } = spawnSync(process.execPath, ['-e', script], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, PATH: folder },
  })
  expect(stdout).toMatch(/^kanode needs Rust [\d.]+ or later, found no cargo on the PATH: install .*\n$/)
})
