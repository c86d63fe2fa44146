// Lays out every package as it is published, in a folder of its own: the main package, and one for each platform
// whose library is there. `@napi-rs/cli` makes the folders and names them in `optionalDependencies`, which the
// repository's own package.json can't have: `npm ci` refuses dependencies that no registry has yet.
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { answer, Failure, npm, root, tool } from '../processes.mjs'

/** What only the repository needs of package.json. */
const development = ['private', 'scripts', 'devDependencies', 'overrides', 'napi']
/** What every package carries besides its own files. */
const notices = ['LICENSE', 'THIRD-PARTY-LICENSES']

/**
 * Lays out the packages for `targets`, whose libraries lie in `libraries`, in the new `folder`. Returns their
 * folders in the order in which they must be published: the main package last.
 */
export function stage({ folder, targets, libraries }) {
  mkdirSync(folder)
  const manifest = readManifest(root)
  for (const name of [...notices, 'README.md', 'CHANGELOG.md', 'index.d.ts']) {
    copyFileSync(path.join(root, name), path.join(folder, name))
  }
  cpSync(path.join(root, 'dist'), path.join(folder, 'dist'), {
    recursive: true,
    filter: name => !/\.(node|map)$/.test(name),
  })
  // The README's example reads this table.
  cpSync(path.join(root, 'examples', 'data'), path.join(folder, 'examples', 'data'), { recursive: true })
  for (const file of javaScriptIn(path.join(folder, 'dist'))) {
    writeFileSync(file, readFileSync(file, 'utf8').replace(/\n\/\/# sourceMappingURL=\S+\s*$/, '\n'))
  }
  write(folder, { ...manifest, ...repository() })

  const config = path.join(folder, 'napi.json')
  writeFileSync(config, JSON.stringify({ ...manifest.napi, targets: targets.map(target => target.triple) }))
  const napi = (...args) => answer(...tool('@napi-rs/cli', 'napi', ...args, '-c', config), { cwd: folder })
  napi('create-npm-dirs')
  for (const { platform, library } of targets) {
    copyFileSync(path.join(libraries, library), path.join(folder, 'npm', platform, library))
  }
  napi('pre-publish', '-t', 'npm', '--no-gh-release', '--skip-optional-publish')

  const platforms = targets.map(({ platform }) => path.join(folder, 'npm', platform))
  for (const [i, each] of platforms.entries()) {
    for (const name of notices) copyFileSync(path.join(root, name), path.join(each, name))
    writeFileSync(path.join(each, 'README.md'), platformReadme(targets[i]))
    const { files, ...rest } = readManifest(each)
    write(each, { ...rest, ...repository(), files: [...files, ...notices] })
  }
  const main = readManifest(folder)
  for (const key of development) delete main[key]
  write(folder, main)

  const folders = [...platforms, folder]
  requireConsistent(folders.map(readManifest), targets)
  return folders
}

/** What somebody reads who comes upon a platform package. */
function platformReadme({ platform, triple }) {
  return `# @kanode/binding-${platform}

The library of \`kanode\` for ${platform} (${triple}). It is installed with \`kanode\` where it fits:

    npm install kanode
`
}

/** Packs a staged package into `into`; returns what npm tells of it, with the path of the archive. */
export function pack(folder, into) {
  mkdirSync(into, { recursive: true })
  const [packed] = JSON.parse(answer(...npm('pack', '--json', '--pack-destination', into), { cwd: folder }))
  return { ...packed, archive: path.join(into, packed.filename.replace('@', '').replace('/', '-')) }
}

/** Refuses packages that would not be installed together: npm silently drops a platform package that differs. */
export function requireConsistent(manifests, targets) {
  const main = manifests.at(-1)
  for (const { name, version, engines, scripts } of manifests) {
    if (version !== main.version) throw new Failure(`${name} has version ${version}, the main package ${main.version}`)
    if (engines?.node !== main.engines.node) throw new Failure(`${name} has other engines than the main package`)
    if (scripts !== undefined) throw new Failure(`${name} has scripts`)
  }
  const wanted = Object.fromEntries(targets.map(({ platform }) => [`@kanode/binding-${platform}`, main.version]))
  const found = main.optionalDependencies
  if (JSON.stringify(sorted(found)) !== JSON.stringify(sorted(wanted))) {
    throw new Failure(`optionalDependencies are ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`)
  }
}

/** Where the packages come from, which provenance must name: known only on GitHub's runners. */
function repository() {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name } = process.env
  return name === undefined ? {} : { repository: { type: 'git', url: `git+${server}/${name}.git` } }
}

export function readManifest(folder) {
  return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'))
}

function write(folder, manifest) {
  writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
}

function sorted(object = {}) {
  return Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1))
}

function javaScriptIn(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.js'))
    .map(name => path.join(folder, name))
}
