// The platforms that have a prebuilt library: for each the Rust target, the names that npm has for the platform, and
// what is known to work there. package.json's `napi.targets` is the list; `@napi-rs/cli` makes folders from it.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Failure, root } from '../processes.mjs'

/** The oldest glibc that the libraries for Linux run with. */
export const GLIBC_FLOOR = '2.17'

const systems = { linux: 'linux', darwin: 'darwin', windows: 'win32' }
const processors = { x86_64: 'x64', aarch64: 'arm64' }
const fileNames = { linux: 'libkanode_binding.so', darwin: 'libkanode_binding.dylib', win32: 'kanode_binding.dll' }

/** How each library is known to work; the notes of a release say so. */
const evidence = {
  'linux-x64-gnu':
    'all tests and the round trip on Node 20, 22, 24, 26, Bun and Deno, on every change; glibc 2.17 by its symbols',
  'linux-x64-musl': 'round trip in Alpine',
  'linux-arm64-gnu': 'all tests and the round trip on an arm64 runner',
  'linux-arm64-musl': 'round trip in Alpine on an arm64 runner',
  'darwin-x64': 'all tests and the round trip on an Intel runner',
  'darwin-arm64': 'all tests and the round trip on an Apple silicon runner',
  'win32-x64-msvc': 'all tests and the round trip on a Windows runner',
  'win32-arm64-msvc': 'all tests and the round trip on a Windows arm64 runner',
}

/** Facts about a Rust target such as `x86_64-unknown-linux-gnu`. */
function describe(triple) {
  const [processor, , system, abi] = triple.split('-')
  const os = systems[system]
  const cpu = processors[processor]
  const platform = [os, cpu, abi].filter(part => part !== undefined).join('-')
  return {
    triple,
    os,
    cpu,
    abi,
    platform,
    library: `kanode.${platform}.node`,
    built: fileNames[os],
    evidence: evidence[platform],
  }
}

/** Every target, in the order of package.json. */
export const targets = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).napi.targets.map(describe)

/** The target with a platform's name (`linux-x64-gnu`). */
export function targetOf(platform) {
  const target = targets.find(candidate => candidate.platform === platform)
  if (target === undefined) {
    const known = targets.map(candidate => candidate.platform).join(', ')
    throw new Failure(`no target is called "${platform}": choose from ${known}`)
  }
  return target
}
