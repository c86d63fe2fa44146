// The IDX format of the MNIST family (LeCun, Cortes & Burges): two zeros, the type of the numbers, the number of
// dimensions, their sizes as big-endian 32-bit numbers, then the numbers.
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

const unsignedByte = 8

/** Reads unsigned bytes of any shape. */
export function parseIdx(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 4 || view.getUint16(0) !== 0) throw new Error('not an IDX file: it does not begin with two zeros')
  if (view.getUint8(2) !== unsignedByte) throw new Error(`IDX type ${view.getUint8(2)} instead of unsigned bytes, 8`)
  const dimensions = view.getUint8(3)
  const start = 4 + 4 * dimensions
  if (bytes.length < start) throw new Error('an IDX file that ends within its sizes')
  const shape = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i))
  const data = bytes.subarray(start)
  const expected = shape.reduce((product, size) => product * size, 1)
  if (data.length !== expected) throw new Error(`an IDX file with ${data.length} numbers instead of ${expected}`)
  return { shape, data }
}

/** Reads a gzipped file of unsigned bytes. */
export const readIdx = file => parseIdx(gunzipSync(readFileSync(file)))
