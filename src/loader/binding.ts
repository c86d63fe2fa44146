/**
 * Finds the native library that fits this machine and loads it: the one that the repository built, beside this
 * code, or else that of the platform package which npm installed.
 */

import { existsSync } from 'node:fs'
import path from 'node:path'
import { requireWhole } from './elf.js'
import { type Attempt, Incomplete, loadError, NotInstalled } from './error.js'
import { type Machine, platformsOf, thisMachine } from './machine.js'
import { managerOf } from './manager.js'

/** What the native library exports. */
export type Binding = typeof import('../native.cjs')

/** What this package says of itself. A library of another version is refused. */
const { version, engines, repository } = require('../../package.json') as {
  version: string
  engines: { node: string }
  repository?: { url: string }
}

/** Where the build of the repository leaves its library. */
const built = path.join(__dirname, '..')

/** Platforms that have a package. */
export const platforms = [
  'linux-x64-gnu',
  'linux-x64-musl',
  'linux-arm64-gnu',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
  'win32-x64-msvc',
  'win32-arm64-msvc',
] as const

export type Platform = (typeof platforms)[number]

/**
 * Loads the library of a platform package. The names are spelled out for bundlers, which look for such calls, and
 * pass over packages that are not installed where the call stands in a `try`.
 */
function fromPackage(platform: Platform): unknown {
  const file = resolved(packageOf(platform))
  if (file !== undefined) requireWhole(file)
  try {
    switch (platform) {
      case 'linux-x64-gnu':
        return require('@kanode/binding-linux-x64-gnu')
      case 'linux-x64-musl':
        return require('@kanode/binding-linux-x64-musl')
      case 'linux-arm64-gnu':
        return require('@kanode/binding-linux-arm64-gnu')
      case 'linux-arm64-musl':
        return require('@kanode/binding-linux-arm64-musl')
      case 'darwin-x64':
        return require('@kanode/binding-darwin-x64')
      case 'darwin-arm64':
        return require('@kanode/binding-darwin-arm64')
      case 'win32-x64-msvc':
        return require('@kanode/binding-win32-x64-msvc')
      case 'win32-arm64-msvc':
        return require('@kanode/binding-win32-arm64-msvc')
    }
  } catch (error) {
    if (file !== undefined || !isAbsence(error)) throw error
    const manifest = resolved(`${packageOf(platform)}/package.json`)
    throw manifest === undefined ? new NotInstalled(error) : new Incomplete(path.dirname(manifest), error)
  }
}

/** Loads the library in a file. */
function fromFile(file: string): unknown {
  requireWhole(file)
  return require(file)
}

/** Every place that may hold a library for the machine: what it is called, and how to load it. */
function* places(machine: Machine): Generator<[where: string, load: () => unknown]> {
  for (const platform of platformsOf(machine)) {
    const file = path.join(built, `kanode.${platform}.node`)
    if (existsSync(file)) yield [file, () => fromFile(file)]
    if (isSupported(platform)) yield [packageOf(platform), () => fromPackage(platform)]
  }
}

/** Loads the library for a machine. Throws an error that tells every attempt. */
export function loadBinding(machine = thisMachine()): Binding {
  const attempts: Attempt[] = []
  for (const [where, load] of places(machine)) {
    try {
      const binding = load() as Binding
      const found = binding.version?.()
      if (found === version) return binding
      attempts.push({ where, version: found ?? 'unknown' })
    } catch (error) {
      attempts.push({ where, error })
    }
  }
  throw loadError({
    machine,
    version,
    attempts,
    installed: platforms.map(packageOf).filter(name => resolved(`${name}/package.json`) !== undefined),
    manager: managerOf(__dirname),
    engines: engines.node,
    sources: repository?.url.replace(/^git\+/, ''),
    repository: existsSync(path.join(built, '..', 'Cargo.toml')) ? path.join(built, '..') : undefined,
  })
}

function isSupported(platform: string): platform is Platform {
  return (platforms as readonly string[]).includes(platform)
}

function packageOf(platform: Platform): string {
  return `@kanode/binding-${platform}`
}

/** The file that a name stands for, if it is installed and may be looked at. */
function resolved(name: string): string | undefined {
  try {
    return require.resolve(name)
  } catch {
    return undefined
  }
}

/** Whether an error of `require` says that there is no such module. */
function isAbsence(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND'
}
