// What the build needs besides Node.js: a Rust toolchain at least as new as Cargo.toml's `rust-version`, and the C
// linker that rustc calls. What is missing is said in one line: what is needed, what was found, how to get it.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { ask, Failure, root } from './processes.mjs'

const wanted = readFileSync(path.join(root, 'Cargo.toml'), 'utf8').match(/^rust-version = "([\d.]+)"/m)[1]

/** Refuses a missing or too old toolchain; returns the text that tells one compiler from another. */
export function requireRust() {
  for (const program of ['cargo', 'rustc']) {
    const { status, stdout, stderr } = ask(program, ['--version'])
    const found = stdout.match(/\d+\.\d+\.\d+/)?.[0]
    if (status === null) throw missing(`no ${program} on the PATH`)
    if (status !== 0 || !found) throw missing(`a ${program} that does not run (${reason(stderr)})`)
    if (isOlder(found, wanted))
      throw missing(`${program} ${found}`, 'run "rustup update stable", or install Rust from https://rustup.rs')
  }
  return ask('rustc', ['-vV']).stdout
}

/** Why a native build failed, where the reason is a missing linker: a line to print, or undefined. */
export function missingLinker() {
  if (process.platform === 'win32' || ask('cc', ['--version']).status !== null) return undefined
  const how =
    process.platform === 'darwin' ? 'run "xcode-select --install"' : 'install gcc (Debian: apt install build-essential)'
  return `kanode needs a C linker to build, found no cc on the PATH: ${how}`
}

function missing(found, how = 'install the stable toolchain from https://rustup.rs') {
  return new Failure(`kanode needs Rust ${wanted} or later, found ${found}: ${how}`)
}

/** The line that says why a program failed; rustup tells its progress first, and what would help last. */
function reason(stderr) {
  const lines = stderr.trim().split(/\r?\n/)
  return (lines.find(line => line.startsWith('error')) ?? lines[0]).replace(/^error: */, '') || 'it says nothing'
}

/** Whether version `a` is below version `b`, by numbers; what `b` leaves out does not count. */
export function isOlder(a, b) {
  const x = a.split('.').map(Number)
  const y = b.split('.').map(Number)
  const i = y.findIndex((part, at) => part !== x[at])
  return i >= 0 && x[i] < y[i]
}
