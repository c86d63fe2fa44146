// Rivals that are programs of their own: ours in Rust, and arkan. Each is called with a shape, a mode and a number of
// repetitions, and prints the milliseconds of one as JSON.
import { execFile, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))
const executable = process.platform === 'win32' ? '.exe' : ''

/** The program that calls our kernels, an example of the crate. */
export const kernels = {
  build: ['build', '--release', '--locked', '-p', 'kanode-cpu', '--example', 'step'],
  file: path.join(root, 'target', 'release', 'examples', `step${executable}`),
}

/**
 * The program that calls arkan: a cargo project of its own, so that the lock file of ours is free of it. The variable
 * `ARKAN_PATH` names a clone of its repository, for where crates.io does not have it.
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

/** The command line of a program for a shape. */
export function argumentsFor({ layers, batch, grid }, { mode, repeat, threads }) {
  const given = { layers: layers.join(','), batch, grid, dtype: 'f32', threads, mode, repeat }
  return Object.entries(given).map(([name, value]) => `--${name}=${value}`)
}

/** Repetitions that fill `seconds`, if one takes `ms`: at least three. */
export const repetitions = (ms, seconds) => Math.max(3, Math.min(1_000_000, Math.ceil((1000 * seconds) / ms)))

/** A program as a rival; `modes` are those that it has. */
export function asRival(program, shape, { name, threads, modes }) {
  const estimates = {}
  const env = { ...process.env, RAYON_NUM_THREADS: String(threads) }
  const ask = async (mode, repeat) => {
    const { stdout } = await execute(program.file, argumentsFor(shape, { mode, repeat, threads }), { cwd: root, env })
    return JSON.parse(stdout.trim().split('\n').at(-1)).ms
  }
  return {
    name,
    async measure(mode, seconds) {
      if (!modes.includes(mode)) return null
      estimates[mode] ??= await ask(mode, 3)
      estimates[mode] = await ask(mode, repetitions(estimates[mode], seconds))
      return estimates[mode]
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
