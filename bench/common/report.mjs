// What every benchmark prints and keeps: the machine, the versions, tables, and JSON in bench/results.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, platform } from 'node:os'
import { runtime } from 'kanode'

/** The machine in a line. */
export function machine() {
  return `${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${cpus().length} threads, ${platform()} ${arch()}`
}

/** Threads that this process may use. */
export const cores = () => availableParallelism()

/** Versions of kanode and Node.js, and what kanode computes with. */
export function versions() {
  const { version, backend } = runtime()
  return { kanode: version, backend, node: process.version.slice(1) }
}

/** Prints the machine and versions, and returns what to keep of them. */
export function announce(more = {}, { threads, dtype = 'f32' }) {
  const all = { ...versions(), ...more }
  const list = Object.entries(all).map(([name, version]) => `${name} ${version}`)
  console.log(`${machine()}\n${list.join(', ')}\n${threads} ${threads === 1 ? 'thread' : 'threads'}, ${dtype}`)
  return { machine: machine(), versions: all, threads, dtype, date: new Date().toISOString().slice(0, 10) }
}

/** Milliseconds as people read them, three digits. */
export function time(ms) {
  if (ms === undefined || ms === null) return '–'
  if (ms >= 1000) return `${digits(ms / 1000)} s`
  return ms < 1 ? `${digits(ms * 1000)} µs` : `${digits(ms)} ms`
}

/** A ratio as people read it. */
export const times = ratio => (ratio === undefined || ratio === null ? '–' : `${digits(ratio)}×`)

/** Bytes as people read them. */
export const bytes = count => (count >= 1e9 ? `${digits(count / 1e9)} GB` : `${digits(count / 1e6)} MB`)

/** Three significant digits, without an exponent. */
export function digits(value) {
  if (value >= 100) return String(Math.round(value))
  return String(Number(value.toPrecision(3)))
}

/** Lines of cells as text, with columns of even width: the first to the left, the others to the right. */
export function table(lines) {
  const widths = lines[0].map((_, column) => Math.max(...lines.map(line => line[column].length)))
  const pad = (cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))
  return lines.map(line => `  ${line.map(pad).join('  ')}`.trimEnd()).join('\n')
}

const folder = new URL('../results/', import.meta.url)

/** What a benchmark has saved, or an empty object. */
export function saved(name) {
  try {
    return JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'))
  } catch (error) {
    if (error.code === 'ENOENT') return {}
    throw error
  }
}

/** Saves results by key: one that was saved before stands until it is measured again. */
export function save(name, results) {
  mkdirSync(folder, { recursive: true })
  const file = new URL(`${name}.json`, folder)
  writeFileSync(file, `${JSON.stringify({ ...saved(name), ...results }, null, 2)}\n`)
}
