/**
 * What a native library must fit: operating system, processor and C library, and the names that the packages of
 * libraries have for them.
 */

/** The machine that this process runs on. */
export interface Machine {
  /** `process.platform`. */
  readonly os: string
  /** `process.arch`. */
  readonly cpu: string
  /** The C library of a Linux process. `undefined` elsewhere, and where the runtime doesn't tell. */
  readonly libc?: 'glibc' | 'musl' | undefined
  /** The version of glibc. */
  readonly glibc?: string | undefined
  /** `Node 20.20.2`, `Bun 1.4.5`, `Deno 2.9.6`. */
  readonly runtime: string
}

/** The machine of this process. */
export function thisMachine(): Machine {
  const { bun, deno, node } = process.versions
  const runtime = bun ? `Bun ${bun}` : deno ? `Deno ${deno}` : `Node ${node}`
  const machine = { os: process.platform, cpu: process.arch, runtime }
  if (machine.os !== 'linux') return machine
  const report = diagnostics()
  if (report === undefined) return machine
  const glibc = report.header?.glibcVersionRuntime
  return glibc === undefined ? { ...machine, libc: 'musl' } : { ...machine, libc: 'glibc', glibc }
}

/** Libraries that may fit, the likeliest first: a Linux process that hides its C library may have either. */
export function platformsOf({ os, cpu, libc }: Machine): readonly string[] {
  if (os === 'linux')
    return [...(libc === 'musl' ? [] : ['gnu']), ...(libc === 'glibc' ? [] : ['musl'])].map(c => `linux-${cpu}-${c}`)
  return [os === 'win32' ? `win32-${cpu}-msvc` : `${os}-${cpu}`]
}

/** A machine for a sentence: `linux x64 with glibc 2.36, Node 20.20.2`. */
export function machineText({ os, cpu, libc, glibc, runtime }: Machine): string {
  const library = libc === undefined ? '' : ` with ${[libc, glibc].filter(part => part !== undefined).join(' ')}`
  return `${os} ${cpu}${library}, ${runtime}`
}

interface Report {
  readonly header?: { readonly glibcVersionRuntime?: string }
}

/**
 * The runtime's report on this process, without the names of network peers: looking them up could take long.
 * `undefined` where it is refused, as Deno does without `--allow-sys`, or where there are no reports.
 */
function diagnostics(): Report | undefined {
  try {
    const reporter: { excludeNetwork?: boolean; getReport(): unknown } = process.report
    const before = reporter.excludeNetwork
    reporter.excludeNetwork = true
    try {
      return reporter.getReport() as Report
    } finally {
      if (before === undefined) delete reporter.excludeNetwork
      else reporter.excludeNetwork = before
    }
  } catch {
    return undefined
  }
}
