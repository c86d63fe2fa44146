/** What the tests of the boundary share: data, memory, and programs in processes of their own. */
import { spawn } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** The folder of the repository. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')

/** Rows of a smooth function of two variables. */
export function surface(rows: number): { x: number[][]; y: number[] } {
  const x = Array.from({ length: rows }, (_, i) => [Math.sin(i), Math.cos(1.7 * i)])
  return { x, y: x.map(([a, b]) => Math.exp(a!) * b!) }
}

/** Lets the event loop turn for a while. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}

setFlagsFromString('--expose-gc')

/** Collects garbage. There is no test of memory without it, so this fails where the engine doesn't offer it. */
export const collect: () => void = runInNewContext('gc')

/** Collects what is garbage, and lets finalizers run. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) {
    collect()
    await pause(20)
  }
}

/**
 * Resident memory of this process in MB, without the room that V8 keeps empty: that grows in steps of tens of MB as a
 * program goes on, and none of it is held by anything.
 */
export function memory(): number {
  const { rss, heapTotal, heapUsed } = process.memoryUsage()
  return (rss - heapTotal + heapUsed) / 1e6
}

/** Memory of this process in MB, after what is garbage has been collected and finalizers have run. */
export async function resident(): Promise<number> {
  await settled()
  return memory()
}

/** How a program ended. */
export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/** Runs a program in a process of its own, as an ES module in the folder of the repository. */
export function run(program: string, flags: readonly string[] = []): Promise<Ended> {
  const child = spawn(process.execPath, [...flags, '--input-type=module', '--eval', program], {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

/** The beginning of a program: a model, data, and a fit that takes longer than any test. */
export const prelude = `
import { Kan } from 'kanode'
const x = Array.from({ length: 500 }, (_, i) => [Math.sin(i), Math.cos(1.7 * i)])
const data = { x, y: x.map(([a, b]) => Math.exp(a) * b) }
const endless = { optimizer: 'adam', steps: 1e9 }
const make = () => new Kan({ layers: [2, 5, 1] })
`
