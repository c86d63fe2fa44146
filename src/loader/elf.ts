/**
 * Looks at a Linux library before it is loaded: the dynamic linker maps what the headers promise, so that a file cut
 * short by a full disk or a broken copy ends the process with SIGBUS instead of an error.
 */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/** Bytes of the header of a 64-bit ELF file. */
const HEADER = 64

/** Refuses a 64-bit ELF file that is shorter than its header says; what else is wrong, the linker tells. */
export function requireWhole(file: string): void {
  const header = Buffer.alloc(HEADER)
  const descriptor = openSync(file, 'r')
  try {
    const read = readSync(descriptor, header, 0, HEADER, 0)
    const isElf64 = read >= 5 && header.readUInt32BE(0) === 0x7f454c46 && header[4] === 2
    if (!isElf64) return
    // The table of sections ends the file: its offset, the size of an entry, their number.
    const end = Number(header.readBigUInt64LE(40)) + header.readUInt16LE(58) * header.readUInt16LE(60)
    const { size } = fstatSync(descriptor)
    if (size < end) throw new Error(`${file} is truncated: it has ${size} bytes of ${end}`)
  } finally {
    closeSync(descriptor)
  }
}
