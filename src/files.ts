/**
 * Paths of files and the errors of opening them.
 */

import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { described, KanError } from './errors.js'
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

/** The bytes of a file. */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? cause.code : null
    const absent = reason === 'ENOENT'
    throw new KanError({
      code: 'ERR_KAN_FILE',
      message: absent
        ? `There is no file ${described(path)}`
        : `${described(path)} can't be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      hint: absent ? `Relative paths start at ${process.cwd()}.` : 'Check that it is a file that you may read.',
      details: { kind: 'io', path, reason },
      cause,
    })
  }
}
