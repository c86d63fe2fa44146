// Tells whether a build step may be left out: each step leaves a stamp with the hash of everything it was made
// from, and is up to date while that hash and its outputs are still there. The stamps lie in node_modules, so that
// a new installation starts from nothing.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { root } from './processes.mjs'

const stamps = path.join(root, 'node_modules', '.cache', 'kanode')

/** Hash of the named files and folders (relative to the root, those that exist) and of further text. */
export function fingerprint(inputs, ...texts) {
  const hash = createHash('sha256')
  for (const file of inputs.flatMap(filesIn)) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(path.join(root, file)))
      .update('\0')
  }
  for (const text of texts) hash.update(`${text}\0`)
  return hash.digest('hex')
}

/** Whether `step` was last made from these inputs and all its outputs still exist. */
export function isFresh(step, print, outputs) {
  const stamp = path.join(stamps, step)
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === print && outputs.every(isThere)
}

/** Whether a file exists, or for `folder/*.ending` any file with that ending. */
function isThere(output) {
  const { dir, base } = path.parse(output)
  if (!base.startsWith('*')) return existsSync(path.join(root, output))
  const folder = path.join(root, dir)
  return existsSync(folder) && readdirSync(folder).some(name => name.endsWith(base.slice(1)))
}

/** Forgets that `step` was made: before it is made again, so that an interrupted step is not taken for a whole one. */
export function forget(step) {
  rmSync(path.join(stamps, step), { force: true })
}

/** Remembers that `step` was made from these inputs. */
export function remember(step, print) {
  mkdirSync(stamps, { recursive: true })
  writeFileSync(path.join(stamps, step), print)
}

/** Every file below a path, in an order that does not depend on the file system. */
function filesIn(relative) {
  const absolute = path.join(root, relative)
  if (!existsSync(absolute)) return []
  if (statSync(absolute).isFile()) return [relative]
  return readdirSync(absolute)
    .sort()
    .flatMap(name => filesIn(`${relative}/${name}`))
}
