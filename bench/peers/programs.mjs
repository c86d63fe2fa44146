// Rivals that are programs of their own: ours in Rust, and arkan. Each is called with a shape, a mode and how long to
// measure, and prints the median milliseconds of one call as JSON.
import { execFile, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))
const executable = process.platform === 'win32' ? '.exe' : ''

/**
 * A program.
 *
 * @typedef {object} Program
 * @property {string[]} build arguments of cargo
 * @property {Record<string, string>} [env] environment of cargo
 * @property {string} file
 * @property {Record<string, string>} modes what it calls the modes that it has
 */

/** @type {Program} The program that calls our kernels. */
export const kernels = {
  build: ['build', '--release', '--locked', '-p', 'kanode-bench', '--bin', 'step'],
  file: path.join(root, 'target', 'release', `step${executable}`),
  modes: { forward: 'predict', gradient: 'gradient', step: 'adam' },
}

/**
 * The program that calls arkan: a cargo project of its own, so that the lock file of ours is free of it. The variable
 * `ARKAN_PATH` names a clone of its repository, for where crates.io does not have it. Its step is gradient descent: it
 * has Adam, but no way to hand gradients to it.
 *
 * @type {Program}
 */
export const arkan = {
  build: [
    ...['build', '--release', '--manifest-path', path.join('bench', 'peers', 'arkan', 'Cargo.toml')],
    ...['--target-dir', path.join('target', 'arkan')],
    ...(process.env.ARKAN_PATH
      ? ['--config', `patch.crates-io.arkan.path=${JSON.stringify(process.env.ARKAN_PATH)}`]
      : []),
  ],
  file: path.join(root, 'target', 'arkan', 'release', `kanode-bench-arkan${executable}`),
  // Its SIMD is chosen when it is compiled.
  env: { RUSTFLAGS: '-C target-cpu=native' },
  modes: { forward: 'forward', step: 'step' },
}

/** Builds a program: null, or why it could not be built. */
export async function build(program) {
  try {
    await execute('cargo', program.build, { cwd: root, env: { ...process.env, ...program.env }, maxBuffer: 2 ** 26 })
    return null
  } catch (error) {
    const lines = `${error.stderr ?? error.message}`.split('\n')
    return lines.find(line => line.startsWith('error')) ?? lines[0]
  }
}

/** The command line of a program for a shape: at least `repeat` calls, and for `seconds`. */
export function argumentsFor({ layers, batch, grid }, { mode, repeat, seconds, threads }) {
  const given = { layers: layers.join(','), batch, grid, dtype: 'f32', threads, mode, repeat, seconds }
  return Object.entries(given).flatMap(([name, value]) => [`--${name}`, String(value)])
}

/** A program as a rival. */
export function asRival({ file, modes }, shape, { name, threads }) {
  const env = { ...process.env, RAYON_NUM_THREADS: String(threads) }
  return {
    name,
    async measure(mode, seconds) {
      if (!(mode in modes)) return null
      const args = argumentsFor(shape, { mode: modes[mode], repeat: 3, seconds, threads })
      const { stdout } = await execute(file, args, { cwd: root, env })
      return JSON.parse(stdout).medianMs
    },
  }
}

/** Bytes of a field of a process's status, as `VmHWM`, or null where the system does not tell. */
export function processBytes(pid, field) {
  try {
    const line = readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm'))
    return line ? 1024 * Number(line[1]) : null
  } catch {
    return null
  }
}

/** Most memory that a program had while it ran, in bytes; null where the system does not tell. */
export function peakOf(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
    let peak = null
    const look = () => {
      peak = processBytes(child.pid, 'VmHWM') ?? peak
    }
    const timer = setInterval(look, 2)
    child.on('error', reject)
    child.on('close', status => {
      clearInterval(timer)
      if (status === 0) resolve(peak)
      else reject(new Error(`${path.basename(command)} ended with status ${status}`))
    })
  })
}
