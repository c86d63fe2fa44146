/** What several API tests need: a temporary folder, and a small regression problem. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { KanError } from 'kanode'
import { expect, onTestFinished } from 'vitest'

/** A folder that is gone after the test. */
export function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'kanode-api-'))
  onTestFinished(() => rmSync(made, { recursive: true, force: true }))
  return made
}

/** Rows of exp(sin πx + y²) on a spiral over [-1, 1]², the same each time. */
export function surface(rows: number): { x: number[][]; y: number[] } {
  const x = Array.from({ length: rows }, (_, i) => [2 * ((i * 0.754877666) % 1) - 1, 2 * ((i * 0.569840291) % 1) - 1])
  return { x, y: x.map(([a, b]) => Math.exp(Math.sin(Math.PI * a!) + b! ** 2)) }
}

/** Three kinds of points in the plane, told apart by their place. */
export function clusters(rows: number): { x: number[][]; y: string[] } {
  const names = ['left', 'middle', 'right']
  const kinds = Array.from({ length: rows }, (_, i) => i % 3)
  const x = kinds.map((kind, i) => [3 * (kind - 1) + Math.sin(i), Math.cos(3 * i)])
  return { x, y: kinds.map(kind => names[kind]!) }
}

/** What was thrown, which must be an error of the package. */
export function thrown(call: () => unknown): KanError {
  try {
    call()
  } catch (error) {
    return checked(error)
  }
  return expect.unreachable('nothing was thrown')
}

/** What a promise was rejected with, which must be an error of the package. */
export async function rejected(promise: Promise<unknown>): Promise<KanError> {
  return promise.then(() => expect.unreachable('nothing was thrown'), checked)
}

function checked(error: unknown): KanError {
  expect(error).toBeInstanceOf(KanError)
  return error as KanError
}
