// Starts other programs for the scripts beside this file: in the repository root unless told otherwise, always with
// the arguments as they are (no shell), and with their output shown as it comes.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** The repository root. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')

/** Whether a module, told by its `import.meta.url`, is the program that runs, and not one that another imports. */
export const isProgram = url => process.argv[1] !== undefined && path.resolve(process.argv[1]) === fileURLToPath(url)

/** A failure that its message explains: `main` prints the message alone, without a stack. */
export class Failure extends Error {}

/**
 * Runs a program and resolves with its exit status (1 where a signal ended it or it could not be started).
 * Its output goes straight to ours; with `onLine`, its standard output does so line by line, each handed over too.
 */
export function run(command, args, { env = {}, cwd = root, onLine } = {}) {
  return new Promise(resolve => {
    const child = spawn(command, args, {
      cwd,
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
export function ask(command, args, { env = process.env, cwd = root } = {}) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: 'utf8', maxBuffer: 2 ** 28 })
  return { status, stdout: stdout ?? '', stderr: stderr ?? '' }
}

/** Does what `run` does, and throws where the program fails. */
export async function must(command, args, options) {
  const status = await run(command, args, options)
  if (status !== 0) throw new Failure(`${[command, ...args].join(' ')} failed with status ${status}`)
}

/** Does what `ask` does, returns the standard output, and throws where the program fails. */
export function answer(command, args, options) {
  const { status, stdout, stderr } = ask(command, args, options)
  if (status !== 0)
    throw new Failure(`${[command, ...args].join(' ')} failed with status ${status}\n${stdout}${stderr}`)
  return stdout
}

/**
 * The script that npm is: the one that runs us, or else what `npm` on the PATH links to, or what lies beside it on
 * Windows, where it is no link.
 */
function npmScript() {
  const folders = (process.env.PATH ?? '').split(path.delimiter)
  const candidates = [
    process.env.npm_execpath,
    ...folders.flatMap(folder => [path.join(folder, 'npm'), path.join(folder, 'node_modules/npm/bin/npm-cli.js')]),
  ]
  return candidates
    .filter(file => file !== undefined && existsSync(file))
    .map(file => realpathSync(file))
    .find(file => path.basename(file) === 'npm-cli.js')
}

/** `[program, arguments]` that start npm, without a shell where its script can be found. */
export function npm(...args) {
  const script = npmScript()
  if (script !== undefined) return [process.execPath, [script, ...args]]
  return process.platform === 'win32' ? ['cmd', ['/c', 'npm', ...args]] : ['npm', args]
}

/** `[program, arguments]` that start the command `name` of a development dependency installed in `modules`. */
export function toolIn(modules, packageName, name, ...args) {
  const folder = path.join(modules, packageName)
  const { bin } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'))
  return [process.execPath, [path.join(folder, typeof bin === 'string' ? bin : bin[name]), ...args]]
}

/** `[program, arguments]` that start the command `name` of an installed development dependency. */
export function tool(packageName, name, ...args) {
  return toolIn(path.join(root, 'node_modules'), packageName, name, ...args)
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
