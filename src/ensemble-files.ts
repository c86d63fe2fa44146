/**
 * An ensemble in a folder: a file for each member, and an index that names them. The index is replaced as a whole, and
 * last, so that it never names files of two ensembles.
 */

import { randomBytes } from 'node:crypto'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { KanError } from './errors.js'
import { readBytes } from './files.js'
import { Kan } from './model.js'

const indexName = 'ensemble.json'

/** What the names of members' files look like; others are not opened, and not removed. */
const memberName = /^member-[0-9a-f]{8}-\d+\.kan$/

function refuse(file: string, kind: string, message: string, hint: string, cause?: unknown): never {
  throw new KanError({ code: 'ERR_KAN_FILE', message, hint, details: { kind, file }, cause })
}

/** The names of the members' files in an index. */
async function readIndex(folder: string): Promise<string[]> {
  const file = path.join(folder, indexName)
  const text = new TextDecoder().decode(await readBytes(file))
  const damaged = (reason: string) =>
    refuse(file, 'corrupt', `${file}: not an ensemble: ${reason}`, 'Copy the whole folder again.')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    damaged('it is not JSON')
  }
  if (typeof value !== 'object' || value === null) damaged('it is not an object')
  const { version, members } = value as Record<string, unknown>
  if (typeof version === 'number' && version > 1) {
    refuse(file, 'newer', `${file} has version ${version}; this kanode reads up to version 1`, 'Update kanode.')
  }
  const isMember = (name: unknown) => typeof name === 'string' && memberName.test(name)
  if (version !== 1 || !Array.isArray(members) || members.length === 0 || !members.every(isMember)) {
    damaged('it does not name its members')
  }
  return members as string[]
}

/**
 * Writes members to a folder, which is made if it is not there; those of an ensemble that was in it are removed.
 *
 * @throws {@link KanError} `ERR_KAN_FILE`.
 */
export async function saveMembers(members: readonly Kan[], folder: string): Promise<void> {
  const index = path.join(folder, indexName)
  const tag = randomBytes(4).toString('hex')
  const names = members.map((_, i) => `member-${tag}-${i}.kan`)
  const old = await readIndex(folder).catch((): string[] => [])
  try {
    await mkdir(folder, { recursive: true })
    await Promise.all(members.map((member, i) => member.save(path.join(folder, names[i]!))))
    const temporary = `${index}.${tag}.tmp`
    await writeFile(temporary, JSON.stringify({ version: 1, members: names }))
    await rename(temporary, index)
  } catch (error) {
    if (error instanceof KanError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    const hint = 'Check that the path exists and may be written.'
    refuse(folder, 'io', `The ensemble can't be written to '${folder}': ${reason}`, hint, error)
  }
  await Promise.all(old.map(name => rm(path.join(folder, name), { force: true })))
}

/**
 * The members in a folder.
 *
 * @throws {@link KanError} `ERR_KAN_FILE`.
 */
export async function loadMembers(folder: string): Promise<Kan[]> {
  const names = await readIndex(folder)
  return Promise.all(names.map(name => Kan.load(path.join(folder, name))))
}
