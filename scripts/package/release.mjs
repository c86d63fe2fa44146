// What a release consists of: every package, packed; the SBOM of the libraries; the notes. `release.mjs --tag v1.2.3
// --out release` makes them of artifacts/ and dist/, and with `--publish` publishes the packages.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { Failure, main, root } from '../processes.mjs'
import { artifacts, megabytes } from './library.mjs'
import { publish } from './registry.mjs'
import { billOfMaterials } from './sbom.mjs'
import { pack, readManifest, stage } from './stage.mjs'
import { targets } from './targets.mjs'

/** The notes of a release: its section of CHANGELOG.md, and a row for each target. */
export function releaseNotes({ version, changelog, rows }) {
  const sections = changelog.split(/^(?=## \[)/m)
  const section = [version, 'Unreleased']
    .map(name => sections.find(each => each.startsWith(`## [${name}]`)))
    .find(Boolean)
  const changes = section?.split('\n').slice(1).join('\n').trim() ?? ''
  const table = rows.map(({ platform, bytes, packed, evidence }) =>
    ['', platform, megabytes(bytes), megabytes(packed), evidence, ''].join(' | ').trim(),
  )
  return `${changes}

## Targets
Only linux-x64-gnu is proven on every change. The release workflow tried each of the others once, on its platform:
the round trip of the package, with its installation, the README's example and the errors of the loader.

| platform | library | download | evidence |
|---|---|---|---|
${table.join('\n')}
`
}

/** Refuses a tag of another version, and a release that lacks a library. */
export function requireComplete({ tag, version, libraries }) {
  if (tag !== `v${version}`) throw new Failure(`the tag is ${tag}, but package.json says ${version}`)
  const missing = targets.filter(({ library }) => !existsSync(path.join(libraries, library)))
  if (missing.length > 0) throw new Failure(`no library for ${missing.map(({ platform }) => platform).join(', ')}`)
}

/** Makes all files of a release in the new folder `out`; calls `use` with the packages' folders while they exist. */
export async function makeRelease({ tag, out, libraries, use = () => {} }) {
  const { version } = readManifest(root)
  requireComplete({ tag, version, libraries })
  const work = mkdtempSync(path.join(tmpdir(), 'kanode-release-'))
  try {
    const folders = stage({ folder: path.join(work, 'staged'), targets, libraries })
    const packed = folders.map(folder => pack(folder, out))
    const rows = targets.map((target, i) => ({
      ...target,
      bytes: statSync(path.join(libraries, target.library)).size,
      packed: packed[i].size,
    }))
    const changelog = readFileSync(path.join(root, 'CHANGELOG.md'), 'utf8')
    writeFileSync(path.join(out, 'notes.md'), releaseNotes({ version, changelog, rows }))
    writeFileSync(path.join(out, 'kanode.cdx.json'), `${JSON.stringify(billOfMaterials(version), undefined, 2)}\n`)
    await use(folders)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

if (process.argv[1] && path.resolve(process.argv[1]) === path.join(root, 'scripts', 'package', 'release.mjs')) {
  await main(async () => {
    const { values } = parseArgs({
      options: { tag: { type: 'string' }, out: { type: 'string' }, publish: { type: 'boolean', default: false } },
    })
    if (!values.tag || !values.out) throw new Failure('name the tag and the folder to make: --tag v1.2.3 --out release')
    const use = async folders => {
      for (const folder of folders) await publish(folder, { provenance: true })
    }
    await makeRelease({ ...values, libraries: artifacts, use: values.publish ? use : undefined })
  })
}
