// Builds the library of one platform as it is published, into artifacts/: `node scripts/package/library.mjs
// linux-x64-gnu`. Those for Linux are linked by zig, against the oldest glibc promised or against musl.
import { copyFileSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { answer, Failure, isProgram, main, must, root, since } from '../processes.mjs'
import { GLIBC_FLOOR, targetOf } from './targets.mjs'
import { pythonPrograms, pythonTool } from './tools.mjs'

/** Where built libraries are kept until they are packed. */
export const artifacts = path.join(root, 'artifacts')

/** The cargo command line and environment for a target. */
export function buildCommand({ triple, os, abi }) {
  const flags = { musl: '-C target-feature=-crt-static', msvc: '-C target-feature=+crt-static' }[abi]
  const env = flags === undefined ? {} : { RUSTFLAGS: [process.env.RUSTFLAGS, flags].filter(Boolean).join(' ') }
  if (os === 'darwin') env.MACOSX_DEPLOYMENT_TARGET = '11.0'
  const target = abi === 'gnu' ? `${triple}.${GLIBC_FLOOR}` : triple
  const build = os === 'linux' ? 'zigbuild' : 'build'
  return { args: [build, '--release', '--locked', '-p', 'kanode-binding', '--target', target], env }
}

/** Builds and checks a library; returns its path in artifacts/. */
export async function buildLibrary(target) {
  const begun = performance.now()
  const { args, env } = buildCommand(target)
  if (target.os === 'linux') {
    await pythonTool('cargo-zigbuild')
    env.PATH = `${pythonPrograms}${path.delimiter}${process.env.PATH}`
  }
  await must('cargo', args, { env })

  const { target_directory: built } = JSON.parse(answer('cargo', ['metadata', '--format-version=1', '--no-deps']))
  const file = path.join(artifacts, target.library)
  mkdirSync(artifacts, { recursive: true })
  copyFileSync(path.join(built, target.triple, 'release', target.built), file)
  requireGlibcFloor(file)
  console.log(`kanode: ${target.library} built in ${since(begun)}: ${megabytes(statSync(file).size)}`)
  return file
}

/** Refuses a library that needs a newer glibc than promised. */
function requireGlibcFloor(file) {
  const newest = newestGlibc(readFileSync(file))
  const [, floor] = GLIBC_FLOOR.split('.').map(Number)
  if (newest !== undefined && newest > floor) throw new Failure(`${file} needs glibc 2.${newest}, not ${GLIBC_FLOOR}`)
}

/** The minor version of the newest symbols of glibc 2 that an ELF file names, if any. */
export function newestGlibc(library) {
  const versions = library.toString('latin1').matchAll(/GLIBC_2\.(\d+)/g)
  return [...versions].map(([, minor]) => Number(minor)).sort((a, b) => b - a)[0]
}

/** A size for a person: `4.5 MB`. */
export function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

if (isProgram(import.meta.url)) {
  await main(async () => {
    const chosen = process.argv.slice(2).map(targetOf)
    if (chosen.length === 0) throw new Failure('name the platforms to build, such as linux-x64-gnu')
    for (const target of chosen) await buildLibrary(target)
  })
}
