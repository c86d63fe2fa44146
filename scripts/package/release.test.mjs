// A release that is not published: complete or refused, with notes that say what is proven, and a bill of materials.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { root } from '../processes.mjs'
import { makeRelease, releaseNotes, requireComplete } from './release.mjs'
import { readManifest } from './stage.mjs'
import { targets } from './targets.mjs'

const { version } = readManifest(root)
const work = mkdtempSync(path.join(tmpdir(), 'kanode-release-'))
const libraries = path.join(work, 'libraries')
const out = path.join(work, 'release')
afterAll(() => rmSync(work, { recursive: true, force: true }))

describe('a release', () => {
  beforeAll(() => {
    mkdirSync(libraries)
    for (const { library } of targets) writeFileSync(path.join(libraries, library), library)
    makeRelease({ out, libraries })
  })

  const archives = [
    ...targets.map(({ platform }) => `kanode-binding-${platform}-${version}.tgz`),
    `kanode-${version}.tgz`,
  ]

  test('is every package, the list of them, the bill of materials and the notes', () => {
    expect(readdirSync(out).sort()).toEqual([...archives, 'kanode.cdx.json', 'notes.md', 'packages.txt'].sort())
  })

  test('lists the packages in the order in which they are published, the main package last', () => {
    const names = [...targets.map(({ platform }) => `@kanode/binding-${platform}`), 'kanode']
    const list = names.map((name, i) => `${name}@${version} ${archives[i]}\n`).join('')
    expect(readFileSync(path.join(out, 'packages.txt'), 'utf8')).toBe(list)
  })

  test.skipIf(process.platform === 'win32')('is published by the workflow, but for what is there already', () => {
    const here = path.join(work, 'publishing')
    const bin = path.join(here, 'bin')
    mkdirSync(bin, { recursive: true })
    cpSync(out, path.join(here, 'release'), { recursive: true })
    const there = `@kanode/binding-${targets[1].platform}@${version}`
    const npm = `#!/bin/sh
case "$1 $2" in
  "view ${there}") echo ${version} ;;
  publish*) cat >>published; test -f "$2" && echo "$*" >>published ;;
esac
`
    writeFileSync(path.join(bin, 'npm'), npm, { mode: 0o755 })
    const [, script] = jobs('release.yml').publish.match(/\n {8}run: \|\n((?: {10}.*\n)+)/)
    const env = { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH}` }
    execFileSync('bash', ['-eo', 'pipefail', '-c', script], { cwd: here, env, input: '' })
    const expected = archives
      .filter((_, i) => i !== 1)
      .map(each => `publish ./release/${each} --access=public --provenance\n`)
    expect(readFileSync(path.join(here, 'published'), 'utf8')).toBe(expected.join(''))
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

  test('is refused when a library is missing', () => {
    const empty = path.join(work, 'empty')
    mkdirSync(empty)
    expect(() => makeRelease({ out, libraries: empty })).toThrow('no library for linux-x64-gnu')
  })

  test('is refused under the tag of another version', () => {
    expect(() => makeRelease({ tag: 'v0.0.0', out, libraries })).toThrow('the tag is v0.0.0, but')
  })

  const changelog = `# Changelog\n\n## [Unreleased]\n\n## [${version}]\n\n- all\n`

  test('is refused under a tag without a section of the change log', () => {
    const readme = '    npm install kanode\n'
    const judged = changelog => () => requireComplete({ tag: `v${version}`, version, libraries, readme, changelog })
    expect(judged(changelog)).not.toThrow()
    expect(judged('# Changelog\n\n## [Unreleased]\n\n- all\n')).toThrow(`CHANGELOG.md has no section "## [${version}]"`)
  })

  test('is refused under a tag while the README does not know of the packages', () => {
    const judged = readme => () => requireComplete({ tag: `v${version}`, version, libraries, readme, changelog })
    const install = '# kanode\n\n    npm install kanode\n\n'
    expect(judged(`${install}Nothing is compiled.\n`)).not.toThrow()
    expect(judged('    npm install ../kanode\n')).toThrow('does not say "npm install kanode"')
    for (const promise of [
      'Prebuilt packages on npm, which need no compiler, come later.',
      'Not yet here: prebuilt packages on npm.',
    ])
      expect(judged(`${install}${promise}\n`)).toThrow(`README.md still says "${promise}"`)
  })
})

function read(name) {
  return readFileSync(path.join(root, '.github/workflows', name), 'utf8')
}

/** The text of each job of a workflow. */
function jobs(name) {
  const [, ...parts] = read(name).split(/^ {2}([\w-]+):\n(?= {4}name:)/m)
  return Object.fromEntries(parts.flatMap((part, i) => (i % 2 === 0 ? [[part, parts[i + 1]]] : [])))
}

test('the notes are those of the version, or what is not released yet', () => {
  const changelog = '# Changelog\n\n## [Unreleased]\n\n- new\n\n## [1.0.0]\n\n- old\n'
  expect(releaseNotes({ version: '1.0.0', changelog, rows: [] })).toMatch(/^- old\n\n## Targets/)
  expect(releaseNotes({ version: '1.1.0', changelog, rows: [] })).toMatch(/^- new\n\n## Targets/)
})

describe('the workflows', () => {
  test('give what publishes no code but npm, and the right to write to nothing else', () => {
    const parts = jobs('release.yml')
    const having = right => Object.keys(parts).filter(name => parts[name].includes(`${right}: write`))
    expect(having('id-token')).toEqual(['publish'])
    expect(having('contents')).toEqual(['release'])
    expect(having('actions')).toEqual(['release'])
    for (const name of ['publish', 'release']) {
      expect(parts[name]).not.toMatch(/actions\/checkout|npm (ci|install|run)|node scripts/)
    }
  })

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

  test('publish the API reference of what is released, and of no tag before', () => {
    expect(read('docs.yml')).not.toMatch(/^ {2}push:/m)
    expect(jobs('release.yml').release).toMatch(/gh release create[\s\S]*gh workflow run docs\.yml/)
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
