import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { root } from '../processes.mjs'
import { allowedLicenses, bundledCrates, isTextOf, licenses, licenseText } from './licenses.mjs'
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

test('every work in the file stands above the text of its licence, and no crate lacks one of its licences', () => {
  const [, ...sections] = readFileSync(path.join(root, 'THIRD-PARTY-LICENSES'), 'utf8').split(`${'='.repeat(80)}\n`)
  const found = new Set()
  for (const section of sections) {
    const [lines] = section.split('\n\n', 1)
    const text = section.slice(lines.length)
    for (const line of lines.split('\n')) {
      const [, work, license] = line.match(/^(.+?) \(([^)]+)\) https:\/\/\S+$/)
      expect(isTextOf(license, text), line).toBe(true)
      found.add(`${work} ${license}`)
    }
  }
  for (const { name, version, license } of bundledCrates()) {
    for (const part of choose(license, allowedLicenses()).split(' AND ')) {
      expect(found).toContain(`${name} ${version} ${part}`)
    }
  }
})

test('the text of every licence that is allowed is known by its words', () => {
  expect(Object.keys(licenses).sort()).toEqual(allowedLicenses().sort())
})

test('the text is that of the licence taken, whatever else lies beside it', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'kanode-licences-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const crate = { name: 'a', version: '1.0.0', authors: [], manifest_path: path.join(folder, 'Cargo.toml') }
  const write = (name, license) => writeFileSync(path.join(folder, name), `${name}\n${licenses[license].words}\n`)
  expect(() => licenseText(crate, 'ISC', [])).toThrow('a 1.0.0 comes without the text of ISC')
  write('LICENSE.APACHE', 'Apache-2.0')
  expect(licenseText(crate, 'MIT', [])).toMatch(/^Copyright \(c\) the authors of a$/m)
  write('LICENSE.MIT', 'MIT')
  write('LICENSE-UNICODE', 'Unicode-3.0')
  expect(licenseText(crate, 'MIT', [])).toMatch(/^LICENSE\.MIT\n/)
  expect(licenseText(crate, 'Unicode-3.0', [])).toMatch(/^LICENSE-UNICODE\n/)
  write('LICENSE', 'BSL-1.0')
  expect(() => licenseText(crate, 'Zlib', [])).toThrow('LICENSE is not the text of Zlib')
})
