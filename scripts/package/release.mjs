// What a release consists of: every package, packed; a list of them; the SBOM of the libraries; the notes.
// `release.mjs --tag v1.2.3 --out release` makes them of artifacts/ and dist/; without a tag they are not for
// publication. The workflow publishes them, in a job that runs nothing of this repository.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { Failure, isProgram, main, root } from '../processes.mjs'
import { artifacts, megabytes } from './library.mjs'
import { billOfMaterials } from './sbom.mjs'
import { pack, readManifest, stage } from './stage.mjs'
import { targets } from './targets.mjs'

/** The notes of a release: its section of CHANGELOG.md, and a row for each target. */
export function releaseNotes({ version, changelog, rows }) {
  const section = sectionOf(changelog, version) ?? sectionOf(changelog, 'Unreleased')
  const changes = section?.split('\n').slice(1).join('\n').trim() ?? ''
  const table = rows.map(({ platform, bytes, packed, evidence }) =>
    ['', platform, megabytes(bytes), megabytes(packed), evidence, ''].join(' | ').trim(),
  )
  return `${changes}

## Targets
Only linux-x64-gnu is proven on every change. The release workflow tried each of the others once, on its platform or in
a container: the tests of the API and of the binding, and the round trip of the package, with its installation, the
README's example and the errors of the loader.

| platform | library | download | evidence |
|---|---|---|---|
${table.join('\n')}
`
}

/** The section of CHANGELOG.md with a name, if it is there. */
function sectionOf(changelog, name) {
  return changelog.split(/^(?=## \[)/m).find(each => each.startsWith(`## [${name}]`))
}

/**
 * Refuses a release that lacks a library, and under a tag what must not be published: another version, one that
 * CHANGELOG.md does not know, or a README that does not know of the packages yet.
 */
export function requireComplete({ tag, version, libraries, readme, changelog }) {
  const missing = targets.filter(({ library }) => !existsSync(path.join(libraries, library)))
  if (missing.length > 0) throw new Failure(`no library for ${missing.map(({ platform }) => platform).join(', ')}`)
  if (tag === undefined) return
  if (tag !== `v${version}`) throw new Failure(`the tag is ${tag}, but package.json says ${version}`)
  if (sectionOf(changelog, version) === undefined) throw new Failure(`CHANGELOG.md has no section "## [${version}]"`)
  const promise = readme.split('\n').find(line => /prebuilt packages.*\blater\b|not yet.*prebuilt packages/i.test(line))
  if (promise !== undefined) throw new Failure(`README.md still says "${promise}"`)
  if (!/\bnpm install kanode\b/.test(readme)) throw new Failure('README.md does not say "npm install kanode"')
}

/** Makes all files of a release in the new folder `out`. */
export function makeRelease({ tag, out, libraries }) {
  const { version } = readManifest(root)
  const text = name => readFileSync(path.join(root, name), 'utf8')
  requireComplete({ tag, version, libraries, readme: text('README.md'), changelog: text('CHANGELOG.md') })
  const work = mkdtempSync(path.join(tmpdir(), 'kanode-release-'))
  try {
    const folders = stage({ folder: path.join(work, 'staged'), targets, libraries })
    const packed = folders.map(folder => pack(folder, out))
    const rows = targets.map((target, i) => ({
      ...target,
      bytes: statSync(path.join(libraries, target.library)).size,
      packed: packed[i].size,
    }))
    const write = (name, content) => writeFileSync(path.join(out, name), content)
    write('packages.txt', packed.map(({ id, archive }) => `${id} ${path.basename(archive)}\n`).join(''))
    write('notes.md', releaseNotes({ version, changelog: text('CHANGELOG.md'), rows }))
    write('kanode.cdx.json', `${JSON.stringify(billOfMaterials(version), undefined, 2)}\n`)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

if (isProgram(import.meta.url)) {
  await main(() => {
    const { values } = parseArgs({ options: { tag: { type: 'string' }, out: { type: 'string' } } })
    if (!values.out)
      throw new Failure('name the folder to make, and for publication the tag: --out release --tag v1.2.3')
    makeRelease({ ...values, libraries: artifacts })
  })
}
