import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../processes.mjs'
import { choose } from './spdx.mjs'

const allowed = ['MIT', 'Apache-2.0', 'Apache-2.0 WITH LLVM-exception', 'Unicode-3.0', 'ISC']

test.each([
  ['MIT', 'MIT'],
  ['Apache-2.0 OR MIT', 'MIT'],
  ['MIT/Apache-2.0', 'MIT'],
  ['Unlicense OR Apache-2.0', 'Apache-2.0'],
  ['(MIT OR Apache-2.0) AND Unicode-3.0', 'MIT AND Unicode-3.0'],
  ['GPL-3.0 OR Apache-2.0 WITH LLVM-exception', 'Apache-2.0 WITH LLVM-exception'],
  ['GPL-3.0', undefined],
  ['MIT AND GPL-3.0', undefined],
  ['MIT WITH Classpath-exception-2.0', undefined],
  ['GPL-3.0 OR (MIT AND (LGPL-2.1 OR ISC))', 'MIT AND ISC'],
  ['', undefined],
  [undefined, undefined],
])('of %s, %s is taken', (expression, license) => {
  expect(choose(expression, allowed)).toBe(license)
})

test('the licences name the crates that everything rests on, and none of ours', () => {
  const text = readFileSync(path.join(root, 'THIRD-PARTY-LICENSES'), 'utf8')
  for (const name of ['napi', 'rayon', 'safetensors', 'fearless_simd', 'wgpu'])
    expect(text).toMatch(new RegExp(`^${name} \\d`, 'm'))
  expect(text).not.toMatch(/^kanode/m)
  expect(text).not.toMatch(/^(syn|proptest) /m)
})
