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

/** What is proven of each library besides the trial of the release workflow; the notes of a release say so. */
const evidence = {
  'linux-x64-gnu':
    'proven on every change: all tests; the round trip; glibc 2.17 by symbols; the example on Node.js 20 to 26, Bun and Deno where they are cached',
  'linux-x64-musl':
    'all tests and the round trip with Node.js 24 on musl 1.2.5, once; not proven beyond that and the trial',
  'linux-arm64-gnu': 'the example under emulation, once; glibc 2.17 by symbols; not proven beyond that and the trial',
  'linux-arm64-musl': 'the example under emulation, once; not proven beyond that and the trial',
  'darwin-x64': 'not proven beyond that trial',
  'darwin-arm64': 'not proven beyond that trial',
  'win32-x64-msvc': 'not proven beyond that trial',
  'win32-arm64-msvc': 'not proven beyond that trial',
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
