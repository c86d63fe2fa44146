// THIRD-PARTY-LICENSES: every crate that is in the library of any platform, with its licence. `npm run licenses`
// writes the file; with `--check` it only tells whether the file is up to date. deny.toml says what is allowed.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { answer, Failure, main, root } from '../processes.mjs'
import { requireRust } from '../rust.mjs'
import { choose } from './spdx.mjs'
import { targets } from './targets.mjs'

const file = path.join(root, 'THIRD-PARTY-LICENSES')

/** For each licence, the files of a crate that may hold its text, the likeliest first. */
const fileNames = {
  MIT: [/^licen[cs]e-mit/i, /^licen[cs]e(\.\w+)?$/i],
  'Apache-2.0': [/^licen[cs]e-apache/i, /^licen[cs]e(\.\w+)?$/i],
  'BSL-1.0': [/^licen[cs]e-boost/i, /^licen[cs]e(\.\w+)?$/i],
}
const anyLicense = [/^licen[cs]e/i, /^copying/i]

/** Reads the licences that deny.toml allows. */
function allowedLicenses() {
  const [, list] = readFileSync(path.join(root, 'deny.toml'), 'utf8').match(/^allow = \[([^\]]*)\]/m)
  return [...list.matchAll(/"([^"]+)"/g)].map(([, name]) => name)
}

/** All crates from elsewhere that are linked into the library of any platform, by name. */
export function bundledCrates() {
  const found = new Map()
  for (const { triple } of targets) {
    const args = ['metadata', '--format-version=1', '--locked', '--filter-platform', triple]
    const { packages, resolve } = JSON.parse(answer('cargo', args))
    const byId = new Map(packages.map(each => [each.id, each]))
    const nodes = new Map(resolve.nodes.map(node => [node.id, node]))
    const waiting = packages.filter(({ name }) => name === 'kanode-binding').map(({ id }) => id)
    const seen = new Set(waiting)
    for (const id of waiting) {
      const crate = byId.get(id)
      if (crate.source !== null) found.set(`${crate.name} ${crate.version}`, crate)
      for (const { pkg, dep_kinds: kinds } of nodes.get(id).deps) {
        const isMacro = byId.get(pkg).targets.some(({ kind }) => kind.includes('proc-macro'))
        if (seen.has(pkg) || isMacro || !kinds.some(({ kind }) => kind === null)) continue
        seen.add(pkg)
        waiting.push(pkg)
      }
    }
  }
  return [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, crate]) => crate)
}

/** The text of a licence in the folder of a crate, if it is there. */
function textIn(crate, patterns) {
  const folder = path.dirname(crate.manifest_path)
  const names = readdirSync(folder).sort()
  const name = patterns.map(pattern => names.find(each => pattern.test(each))).find(each => each !== undefined)
  return name && readFileSync(path.join(folder, name), 'utf8').replaceAll('\r\n', '\n').trim()
}

/**
 * The text of a crate's licence. Few crates leave it out; of those, MIT has no other content than its authors, and
 * Apache-2.0 is the same for everyone, so that any of `crates` can lend it.
 */
function licenseText(crate, license, crates) {
  const text = textIn(crate, [...(fileNames[license] ?? []), ...anyLicense])
  if (text !== undefined) return text
  if (license === 'MIT') {
    const authors = crate.authors.map(author => author.replace(/ <.*>$/, ''))
    return mit(authors.length > 0 ? authors.join(', ') : `the authors of ${crate.name}`)
  }
  const lent = license === 'Apache-2.0' && crates.map(each => textIn(each, [/^licen[cs]e-apache/i])).find(Boolean)
  if (!lent) throw new Failure(`${crate.name} ${crate.version} comes without the text of ${license}`)
  return lent
}

/** The MIT licence, as LICENSE has it, for other holders. */
function mit(holders) {
  const ours = readFileSync(path.join(root, 'LICENSE'), 'utf8').trim()
  return ours.replace(/^Copyright .*$/m, `Copyright (c) ${holders}`)
}

/** The whole file. Crates whose licences have the same text share it. */
export function thirdPartyLicenses() {
  const allowed = allowedLicenses()
  const sections = new Map()
  const add = (text, line) => sections.set(text, [...(sections.get(text) ?? []), line])
  const crates = bundledCrates()
  for (const crate of crates) {
    const license = choose(crate.license, allowed)
    if (license === undefined) {
      throw new Failure(
        `${crate.name} ${crate.version} has the licence ${crate.license}, which deny.toml does not allow`,
      )
    }
    add(
      licenseText(crate, license, crates),
      `${crate.name} ${crate.version} (${license}) ${crate.repository ?? ''}`.trim(),
    )
  }
  add(mit('The Rust Project Contributors'), 'the Rust standard library (MIT) https://github.com/rust-lang/rust')
  const head = 'The native libraries of kanode contain the following works under the licences below.'
  const bar = '='.repeat(80)
  const parts = [...sections].map(([text, lines]) => `${bar}\n${lines.join('\n')}\n\n${text}\n`)
  return `${head}\n\n${parts.join('\n')}`
}

/** Why THIRD-PARTY-LICENSES must be written again, if it must. */
export function staleness() {
  return readFileSync(file, 'utf8') === thirdPartyLicenses()
    ? undefined
    : 'THIRD-PARTY-LICENSES is not up to date: run `npm run licenses`'
}

if (process.argv[1] && path.resolve(process.argv[1]) === path.join(root, 'scripts', 'package', 'licenses.mjs')) {
  await main(() => {
    requireRust()
    if (process.argv[2] !== '--check') return writeFileSync(file, thirdPartyLicenses())
    const stale = staleness()
    if (stale) throw new Failure(stale)
  })
}
