// A release that is not published: complete or refused, with notes that say what is proven, and a bill of materials.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { root } from '../processes.mjs'
import { makeRelease, releaseNotes } from './release.mjs'
import { readManifest } from './stage.mjs'
import { targets } from './targets.mjs'

const { version } = readManifest(root)
const work = mkdtempSync(path.join(tmpdir(), 'kanode-release-'))
const libraries = path.join(work, 'libraries')
const out = path.join(work, 'release')
afterAll(() => rmSync(work, { recursive: true, force: true }))

describe('a release', () => {
  const used = []
  beforeAll(async () => {
    mkdirSync(libraries)
    for (const { library } of targets) writeFileSync(path.join(libraries, library), library)
    await makeRelease({ tag: `v${version}`, out, libraries, use: folders => used.push(...folders) })
  })

  test('is every package, the bill of materials and the notes; the main package is published last', () => {
    const archives = targets.map(({ platform }) => `kanode-binding-${platform}-${version}.tgz`)
    expect(readdirSync(out).sort()).toEqual(
      [...archives, `kanode-${version}.tgz`, 'kanode.cdx.json', 'notes.md'].sort(),
    )
    expect(used.length).toBe(targets.length + 1)
    expect(path.basename(used.at(-1))).toBe('staged')
  })

  test('has a row for each target in its notes, which say that only one is proven on every change', () => {
    const notes = readFileSync(path.join(out, 'notes.md'), 'utf8')
    expect(notes).toContain('Only linux-x64-gnu is proven on every change.')
    for (const { platform } of targets)
      expect(notes).toMatch(new RegExp(`^\\| ${platform} \\| 0\\.0 MB \\| .* MB \\| \\w.* \\|$`, 'm'))
  })

  test('has a bill of materials with every licence and hash', () => {
    const bill = JSON.parse(readFileSync(path.join(out, 'kanode.cdx.json'), 'utf8'))
    expect(bill).toMatchObject({ bomFormat: 'CycloneDX', metadata: { component: { name: 'kanode', version } } })
    expect(bill.components.map(({ name }) => name)).toEqual(expect.arrayContaining(['napi', 'rayon', 'safetensors']))
    for (const { licenses, hashes } of bill.components) {
      expect(licenses[0].expression).toMatch(/^\S/)
      expect(hashes[0].content).toMatch(/^[0-9a-f]{64}$/)
    }
  })

  test('is refused under the tag of another version', async () => {
    await expect(makeRelease({ tag: 'v0.0.0', out, libraries })).rejects.toThrow('the tag is v0.0.0, but')
  })

  test('is refused when a library is missing', async () => {
    const empty = path.join(work, 'empty')
    mkdirSync(empty)
    await expect(makeRelease({ tag: `v${version}`, out, libraries: empty })).rejects.toThrow(
      'no library for linux-x64-gnu',
    )
  })
})

test('the notes are those of the version, or what is not released yet', () => {
  const changelog = '# Changelog\n\n## [Unreleased]\n\n- new\n\n## [1.0.0]\n\n- old\n'
  expect(releaseNotes({ version: '1.0.0', changelog, rows: [] })).toMatch(/^- old\n\n## Targets/)
  expect(releaseNotes({ version: '1.1.0', changelog, rows: [] })).toMatch(/^- new\n\n## Targets/)
})

describe('the workflows', () => {
  const read = name => readFileSync(path.join(root, '.github/workflows', name), 'utf8')

  test('build and try every target', () => {
    const [, build] = read('release.yml').split(/^ {2}build:$/m)
    const [building, trying] = build.split(/^ {2}try:$/m)
    const listed = text => [...text.matchAll(/- \{ platform: ([\w-]+),/g)].map(([, name]) => name)
    expect(listed(building)).toEqual(targets.map(({ platform }) => platform))
    expect(new Set(listed(trying))).toEqual(new Set(targets.map(({ platform }) => platform)))
    for (const { platform, triple } of targets) {
      expect(building).toMatch(new RegExp(`platform: ${platform}, os: \\S+, triple: ${triple} `))
    }
  })

  test('start nothing but scripts that exist', () => {
    const { scripts } = readManifest(root)
    for (const name of readdirSync(path.join(root, '.github/workflows'))) {
      for (const [, script] of read(name).matchAll(/npm run ([\w:-]+)/g)) expect(scripts).toHaveProperty([script])
      for (const [, file] of read(name).matchAll(/node (scripts\/\S+)/g))
        expect(() => readFileSync(path.join(root, file))).not.toThrow()
    }
  })

  test('pin every action by its hash and name its version', () => {
    for (const name of readdirSync(path.join(root, '.github/workflows'))) {
      const uses = [...read(name).matchAll(/^ +- uses: (.*)$/gm)].map(([, what]) => what)
      expect(uses.length).toBeGreaterThan(0)
      for (const what of uses) expect(what).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
    }
  })
})
