/**
 * The error for a native binding that can't be loaded: for which machine, what was tried, why it failed, how to mend it.
 */

import { KanError } from './errors.js'

/** The C library of a Linux process: `glibc 2.36`, `musl`, or nothing elsewhere. */
function libc(): string | undefined {
  if (process.platform !== 'linux') return undefined
  const report = diagnostics() as { header?: { glibcVersionRuntime?: string } }
  const version = report.header?.glibcVersionRuntime
  return version === undefined ? 'musl' : `glibc ${version}`
}

/** Node's report on this process, without the names of network peers: looking them up could take long. */
function diagnostics(): unknown {
  const reporter: { excludeNetwork?: boolean; getReport(): unknown } = process.report
  const before = reporter.excludeNetwork
  reporter.excludeNetwork = true
  try {
    return reporter.getReport()
  } finally {
    if (before === undefined) delete reporter.excludeNetwork
    else reporter.excludeNetwork = before
  }
}

/** What failed, oldest attempt first; attempts at WebAssembly are noise, since there is none of it. */
export function attempts(error: unknown): string[] {
  const found: string[] = []
  for (let at: unknown = error; at instanceof Error && found.length < 32; at = at.cause) {
    const line = at.message.split('\n', 1)[0] ?? ''
    if (!/wasm|wasi|issues\/4828/i.test(line) && !found.includes(line)) found.unshift(line)
  }
  return found
}

/** The error for a binding that can't be loaded. */
export function loadError(error: unknown): KanError {
  const library = libc()
  const machine = [process.platform, process.arch, library].filter(part => part !== undefined).join(' ')
  const tried = attempts(error)
  const reason = tried[0] ?? String(error)
  return new KanError({
    code: 'ERR_KAN_LOAD',
    message: [
      `The native part of kanode could not be loaded (${machine}, Node ${process.versions.node}): ${reason}`,
      ...tried.slice(1).map(line => `  also tried: ${line}`),
    ].join('\n'),
    hint:
      'From npm: install again without --omit=optional and with no lock file of another platform. ' +
      'From the repository: run `npm run build`, which needs a stable Rust toolchain.',
    details: { platform: process.platform, arch: process.arch, libc: library ?? null, tried },
    cause: error,
  })
}
