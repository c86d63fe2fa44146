// THIRD-PARTY-LICENSES: every crate that is in the library of any platform, with its licence. `npm run licenses`
// writes the file; with `--check` it only tells whether the file is up to date. deny.toml says what is allowed.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { answer, Failure, isProgram, main, root } from '../processes.mjs'
import { requireRust } from '../rust.mjs'
import { choose } from './spdx.mjs'
import { targets } from './targets.mjs'

const file = path.join(root, 'THIRD-PARTY-LICENSES')

/** For each licence, the file of a crate that holds it alone, and words that its text has and the others lack. */
export const licenses = {
  MIT: { file: /^licen[cs]e[-._]mit/i, words: 'Permission is hereby granted, free of charge, to any' },
  'Apache-2.0': { file: /^licen[cs]e[-._]apache/i, words: 'Apache License Version 2.0' },
  'Apache-2.0 WITH LLVM-exception': { file: /^licen[cs]e[-._]apache.*llvm/i, words: 'LLVM Exceptions to the Apache' },
  'BSD-2-Clause': { file: /^licen[cs]e[-._]bsd/i, words: 'Redistribution and use in source and binary forms' },
  'BSD-3-Clause': { file: /^licen[cs]e[-._]bsd/i, words: 'may be used to endorse or promote products' },
  'BSL-1.0': { file: /^licen[cs]e[-._]boost/i, words: 'Boost Software License - Version 1.0' },
  ISC: { file: /^licen[cs]e[-._]isc/i, words: 'Permission to use, copy, modify, and/or distribute' },
  'Unicode-3.0': { file: /^licen[cs]e[-._]unicode/i, words: 'UNICODE LICENSE V3' },
  Zlib: {
    file: /^licen[cs]e[-._]zlib/i,
    words: 'This notice may not be removed or altered from any source distribution',
  },
}
/** A file whose name tells no licence. */
const anyLicense = /^(licen[cs]e|copying)(\.txt|\.md)?$/i

/** Reads the licences that deny.toml allows. */
export function allowedLicenses() {
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

/** Whether a text is that of a licence, whatever its lines. */
export function isTextOf(license, text) {
  return text.replaceAll(/\s+/g, ' ').includes(licenses[license].words)
}

/** The text of a licence in the folder of a crate, if it is there. */
function textIn(crate, license) {
  const folder = path.dirname(crate.manifest_path)
  const names = readdirSync(folder).sort()
  const name = [licenses[license].file, anyLicense].map(file => names.find(each => file.test(each))).find(Boolean)
  if (name === undefined) return undefined
  const text = readFileSync(path.join(folder, name), 'utf8').replaceAll('\r\n', '\n').trim()
  if (!isTextOf(license, text)) throw new Failure(`${path.join(folder, name)} is not the text of ${license}`)
  return text
}

/**
 * The text of one licence of a crate. Few crates leave it out; of those, MIT has no other content than its authors,
 * and Apache-2.0 is the same for everyone, so that any of `crates` can lend it.
 */
export function licenseText(crate, license, crates) {
  const text = textIn(crate, license)
  if (text !== undefined) return text
  if (license === 'MIT') {
    const authors = crate.authors.map(author => author.replace(/ <.*>$/, ''))
    return mit(authors.length > 0 ? authors.join(', ') : `the authors of ${crate.name}`)
  }
  const lender = crates.find(each => each.license?.includes(license) && hasFileOf(each, license))
  if (license !== 'Apache-2.0' || lender === undefined) {
    throw new Failure(`${crate.name} ${crate.version} comes without the text of ${license}`)
  }
  return textIn(lender, license)
}

/** Whether a crate has a file for this licence alone. */
function hasFileOf(crate, license) {
  return readdirSync(path.dirname(crate.manifest_path)).some(name => licenses[license].file.test(name))
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
    for (const part of license.split(' AND ')) {
      const line = `${crate.name} ${crate.version} (${part}) ${crate.repository ?? ''}`.trim()
      add(licenseText(crate, part, crates), line)
    }
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

if (isProgram(import.meta.url)) {
  await main(() => {
    requireRust()
    if (process.argv[2] !== '--check') return writeFileSync(file, thirdPartyLicenses())
    const stale = staleness()
    if (stale) throw new Failure(stale)
  })
}
