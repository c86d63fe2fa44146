/**
 * The error for a native library that can't be loaded: for which machine, what was tried, the real cause, and the
 * command that mends it.
 */

import { KanError } from '../errors.js'
import { type Machine, machineText, platformsOf } from './machine.js'
import { type Manager, reinstall } from './manager.js'

/** A platform package that is not there. */
export class NotInstalled extends Error {
  constructor(cause: unknown) {
    super('not installed', { cause })
  }
}

/** A platform package that is there, in `folder`, without its library. */
export class Incomplete extends Error {
  constructor(
    readonly folder: string,
    cause: unknown,
  ) {
    super(`its library is missing from ${folder}`, { cause })
  }
}

/** One library that was tried: why it could not be loaded, or which other version it has. */
export type Attempt = { readonly where: string } & ({ readonly error: unknown } | { readonly version: string })

/** All that is known when no library could be loaded. */
export interface Search {
  readonly machine: Machine
  /** The version of this package. */
  readonly version: string
  readonly attempts: readonly Attempt[]
  /** Platform packages that are installed, for whatever machine. */
  readonly installed: readonly string[]
  /** What installed this package. */
  readonly manager: Manager
  /** The versions of Node.js that the package is for, as package.json's `engines` says (`>=20.19`). */
  readonly engines: string
  /** Where the sources are, where package.json tells. */
  readonly sources: string | undefined
  /** The folder of the repository, where this is not an installed package. */
  readonly repository: string | undefined
}

/** Why no library could be loaded; `details.reason` of the error. */
type Reason = 'unsupported' | 'node' | 'missing' | 'otherPlatform' | 'version' | 'glibc' | 'permission' | 'damaged'

interface Diagnosis {
  readonly reason: Reason
  /** The cause, as the end of "… could not be loaded on this machine: …". */
  readonly cause: string
  readonly hint: string
}

/** The error for a search that found nothing. */
export function loadError(search: Search): KanError {
  const { machine, attempts, installed } = search
  const { reason, cause, hint } = diagnose(search)
  return new KanError({
    code: 'ERR_KAN_LOAD',
    message: [
      `The native part of kanode could not be loaded on ${machineText(machine)}: ${cause}`,
      ...attempts.map(attempt => `  tried ${attempt.where}: ${outcome(attempt)}`),
    ].join('\n'),
    hint,
    details: {
      reason,
      platform: machine.os,
      arch: machine.cpu,
      libc: machine.libc ?? null,
      glibc: machine.glibc ?? null,
      tried: attempts.map(attempt => ({ where: attempt.where, outcome: outcome(attempt) })),
      installed,
    },
    cause: attempts.map(errorOf).find(error => error !== undefined),
  })
}

function diagnose(search: Search): Diagnosis {
  const { machine, version, attempts, installed, manager, engines, sources, repository } = search
  const again =
    repository === undefined
      ? `Run \`${reinstall(manager, version)}\``
      : `Run \`npm run build\` in ${repository}, which needs a stable Rust toolchain`

  const found = attempts.find(attempt => !(errorOf(attempt) instanceof NotInstalled))
  if (found === undefined) {
    if (attempts.length === 0) {
      return {
        reason: 'unsupported',
        cause: `there is no library for ${platformsOf(machine).join(' or ')}.`,
        hint: `Build it from source: clone ${sources ?? 'the repository'}, run \`npm run build\` there, and install its folder.`,
      }
    }
    // npm leaves out a platform package that is not for this Node.js.
    if (isOlder(machine.runtime, engines)) {
      return {
        reason: 'node',
        cause: `kanode is for Node.js ${engines}.`,
        hint: `Install Node.js ${engines}. Then: ${again}.`,
      }
    }
    const others = installed.filter(name => !attempts.some(({ where }) => where === name))
    if (others.length > 0) {
      return {
        reason: 'otherPlatform',
        cause: `what is installed is for another platform (${others.join(', ')}).`,
        hint: `${again} on this machine, or in this image: node_modules can't be copied from another platform.`,
      }
    }
    return {
      reason: 'missing',
      cause: 'the package with its library is not installed.',
      hint: `${again}. It is left out with --omit=optional, and where a lock file was made on another platform.`,
    }
  }

  if ('version' in found) {
    return {
      reason: 'version',
      cause: `its library has version ${found.version}, where ${version} is needed.`,
      hint: `${again}, so that both are of one version.`,
    }
  }
  const text = textOf(found.error)
  const wanted = newestGlibc(text)
  if (wanted !== undefined) {
    return {
      reason: 'glibc',
      cause: `its library needs glibc ${wanted} or later, and this system has ${machine.glibc ?? 'an older one'}.`,
      hint: repository === undefined ? 'Use a newer system or image.' : `${again}, on this system.`,
    }
  }
  if (found.error instanceof Incomplete) {
    return { reason: 'damaged', cause: `${found.error.message}.`, hint: `${again}.` }
  }
  if (isDenied(found.error)) {
    return {
      reason: 'permission',
      cause: 'the runtime does not allow it.',
      hint: machine.runtime.startsWith('Deno')
        ? 'Run `deno run --allow-ffi --allow-read --allow-env` with your program.'
        : 'Run `node` without --no-addons, and where --permission is given, with --allow-addons and --allow-fs-read=FOLDER for the folder of node_modules.',
    }
  }
  if (isUnreadable(found.error)) {
    return {
      reason: 'permission',
      cause: 'the system does not let this user read its library.',
      hint: 'Give the user that runs the program the right to read node_modules, or install as this user.',
    }
  }
  if (/failed to map segment/.test(text)) {
    return {
      reason: 'permission',
      cause: 'the system does not allow code from the file system that holds its library.',
      hint: 'Install on a file system that is mounted without `noexec`, and see that no policy of the system forbids it.',
    }
  }
  return { reason: 'damaged', cause: 'its library is damaged, or not for this system.', hint: `${again}.` }
}

/** Whether the runtime forbids what would load the library: Node.js says so by code, Deno by the flag it wants. */
function isDenied(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ERR_DLOPEN_DISABLED' || code === 'ERR_ACCESS_DENIED' || /--allow-\w+/.test(textOf(error))
}

/** Whether the system keeps a file from this user: Node.js says so by code, the dynamic linker in words. */
function isUnreadable(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EACCES' || code === 'EPERM' || /permission denied/i.test(textOf(error))
}

/** Whether `Node 18.20.8` is older than `>=20.19`; other runtimes are not. */
function isOlder(runtime: string, engines: string): boolean {
  const [major, minor] = numbersAfter('Node ', runtime)
  const [wantedMajor, wantedMinor] = numbersAfter('>=', engines)
  if (major === undefined || minor === undefined || wantedMajor === undefined) return false
  return major < wantedMajor || (major === wantedMajor && minor < (wantedMinor ?? 0))
}

function numbersAfter(prefix: string, text: string): number[] {
  return text.startsWith(prefix) ? text.slice(prefix.length).split('.').map(Number) : []
}

function errorOf(attempt: Attempt): unknown {
  return 'error' in attempt ? attempt.error : undefined
}

/** What an attempt came to, in one line. */
function outcome(attempt: Attempt): string {
  return 'error' in attempt ? (textOf(attempt.error).split('\n', 1)[0] ?? '') : `version ${attempt.version}`
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The newest version of glibc that the dynamic linker misses. */
function newestGlibc(text: string): string | undefined {
  const versions = [...text.matchAll(/GLIBC_(\d+)\.(\d+)\S* not found/g)].map(([, major, minor]) =>
    [major, minor].map(Number),
  )
  return versions.sort(([a = 0, b = 0], [c = 0, d = 0]) => c - a || d - b)[0]?.join('.')
}
