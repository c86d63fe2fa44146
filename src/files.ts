/**
 * Paths of files, reading them, and the errors of reading and writing.
 */

import { constants } from 'node:fs'
import { type FileHandle, open, readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { KanError } from './errors.js'
import { filePath, refuseRange, refuseType } from './validate.js'

/** A `file:` URL, such as `new URL('cars.csv', import.meta.url)`. */
export interface FileUrl {
  readonly href: string
  readonly protocol: string
}

/** A file, by its path or its `file:` URL. */
export type FilePath = string | FileUrl

/** The path in a {@link FilePath}. */
export function pathOf(value: unknown, name: string): string {
  if (typeof value === 'string') return filePath(value, name)
  const url = typeof value === 'object' && value !== null && 'href' in value ? value.href : undefined
  if (typeof url !== 'string') refuseType(name, 'a path or a file: URL', value)
  try {
    return fileURLToPath(url)
  } catch {
    return refuseRange(name, 'a path or a file: URL', url)
  }
}

/** As {@link pathOf}, from the working directory of now, which may be another when the file is opened. */
export function absolutePathOf(value: unknown, name: string): string {
  return resolve(pathOf(value, name))
}

function unreadable(path: string, cause: unknown): KanError {
  const reason = cause instanceof Error && 'code' in cause ? cause.code : null
  const absent = reason === 'ENOENT'
  return new KanError({
    code: 'ERR_KAN_FILE',
    message: absent
      ? `There is no file '${path}'`
      : `'${path}' can't be read: ${cause instanceof Error ? cause.message : String(cause)}`,
    hint: absent ? `Relative paths start at ${process.cwd()}.` : 'Check that it is a file that you may read.',
    details: { kind: 'io', path, reason },
    cause,
  })
}

/** The bytes of a file. */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

/** Bytes of the number at the beginning of a model file: the length of the header that follows, little-endian. */
const prefix = 8

/** The longest header of a model file; that of safetensors. */
const longestHeader = 100_000_000

/** Reads up to `length` bytes from a position; fewer if the file ends before. */
async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, position + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return bytes.subarray(0, done)
}

function refuseForeign(path: string, reason: string): never {
  throw new KanError({
    code: 'ERR_KAN_FILE',
    message: `${path}: not a kanode model: ${reason}`,
    hint: 'Check that this is the file that model.save wrote, and that it was copied whole.',
    details: { kind: 'corrupt', file: path },
  })
}

/** Refuses what can't be a model by its first bytes, so that a large file of another kind isn't read as a whole. */
async function checkBeginning(file: FileHandle, size: number, path: string): Promise<void> {
  const start = await readAt(file, 0, prefix)
  if (start.length < prefix) return
  const length = start.readBigUInt64LE()
  if (length === 0n || length > BigInt(longestHeader)) {
    refuseForeign(path, `it begins with a header of ${length} bytes; expected 1 to ${longestHeader}`)
  }
  // A header that is cut off makes a file short enough to be read; native code says what is wrong with it.
  if (prefix + Number(length) > size) return
  const header = await readAt(file, prefix, Number(length))
  if (!header.includes('"kanode"')) refuseForeign(path, 'its header does not name kanode')
}

/**
 * The bytes of a file that may be a model.
 *
 * @throws {@link KanError} `ERR_KAN_FILE` if it can't be read or begins like no model.
 */
export async function readModelBytes(path: string): Promise<Uint8Array> {
  let file: FileHandle | undefined
  try {
    // Without O_NONBLOCK (which Windows lacks) opening a pipe would wait for somebody to write to it.
    file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    const found = await file.stat()
    if (!found.isFile()) throw new Error(found.isDirectory() ? 'it is a folder' : 'it is not a regular file')
    await checkBeginning(file, found.size, path)
    return await readAt(file, 0, found.size)
  } catch (error) {
    throw error instanceof KanError ? error : unreadable(path, error)
  } finally {
    await file?.close()
  }
}

/**
 * The error of writing a model to `file`. Native code writes a temporary file beside it first; that one's name is no
 * help to anybody.
 */
export function unwritten(error: Error, file: string): Error {
  if (!(error instanceof KanError) || error.code !== 'ERR_KAN_FILE') return error
  const message = error.hint === undefined ? error.message : error.message.slice(0, -`\nHint: ${error.hint}`.length)
  const at = message.lastIndexOf(`${file}: `)
  const reason = at < 0 ? message : message.slice(at + file.length + 2)
  return new KanError({
    code: error.code,
    message: `The model can't be written to '${file}': ${reason.replace(/ at path ".*"$/, '')}`,
    hint: error.hint,
    details: { ...error.details, file },
    cause: error,
  })
}
