// Starts other programs for the scripts beside this file: always in the repository root, always with the
// arguments as they are (no shell), and with their output shown as it comes.
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** The repository root. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')

/** A failure that its message explains: `main` prints the message alone, without a stack. */
export class Failure extends Error {}

/**
 * Runs a program and resolves with its exit status (1 where a signal ended it or it could not be started).
 * Its output goes straight to ours; with `onLine`, its standard output does so line by line, each handed over too.
 */
export function run(command, args, { env = {}, onLine } = {}) {
  return new Promise(resolve => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', onLine ? 'pipe' : 'inherit', 'inherit'],
    })
    if (onLine) {
      createInterface({ input: child.stdout }).on('line', line => {
        console.log(line)
        onLine(line)
      })
    }
    child.on('error', error => {
      console.error(`${command}: ${error.message}`)
      resolve(1)
    })
    child.on('close', status => resolve(status ?? 1))
  })
}

/** Runs a program quietly: `{ status, stdout, stderr }`, with `status` null where it could not be started. */
export function ask(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8' })
  return { status, stdout: stdout ?? '', stderr: stderr ?? '' }
}

/** `[program, arguments]` that start the command `name` of an installed development dependency. */
export function tool(packageName, name, ...args) {
  const folder = path.join(root, 'node_modules', packageName)
  const { bin } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'))
  return [process.execPath, [path.join(folder, bin[name]), ...args]]
}

/** Milliseconds since `start` (of `performance.now()`) as text: `0.3 s`. */
export function since(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`
}

/** Runs the body of a script and turns its end into the exit status: 0, what it resolves with, or 1 on an error. */
export async function main(body) {
  try {
    process.exitCode = (await body()) ?? 0
  } catch (error) {
    console.error(error instanceof Failure ? error.message : error)
    process.exitCode = 1
  }
}
