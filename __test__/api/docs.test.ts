// Every example in docs/ and in the comments of src/ runs as it stands there.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const pages = readdirSync(path.join(root, 'docs')).filter(name => name.endsWith('.md'))

function examplesOf(page: string): string[] {
  const text = readFileSync(path.join(root, 'docs', page), 'utf8')
  return [...text.matchAll(/```js\n([\s\S]*?)```/g)].map(match => match[1] ?? '')
}

/** Runs JavaScript in the repository's folder; returns what it prints. */
function run(code: string): string {
  return execFileSync(process.execPath, ['--input-type=module', '-e', code], { cwd: root, encoding: 'utf8' })
}

describe.each(pages)('%s', page => {
  test.each(examplesOf(page).map((code, i) => [i + 1, code] as const))('example %i runs', (_, code) => {
    expect(run(code)).not.toBe('')
  })
})

const sources = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.ts'))
  .map(name => [name, readFileSync(path.join(root, 'src', name), 'utf8')] as const)
  .filter(([, text]) => text.includes('@example'))

/** The programs of a source's comments: what follows `@example`, up to another tag or the end of the comment. */
function programsOf(source: string): string[] {
  return [...source.matchAll(/^ *\* @example\n((?: *\*(?:| (?!@).*)\n)+)/gm)].map(([, lines = '']) =>
    lines.replaceAll(/^ *\* ?/gm, ''),
  )
}

describe.each(sources)('src/%s', (_, source) => {
  const programs = programsOf(source)

  test('has nothing but whole programs for examples', () => {
    expect(programs.length).toBe(source.match(/@example/g)?.length)
  })

  test.each(programs.map((code, i) => [i + 1, code] as const))('example %i runs', (_, code) => {
    expect(run(code)).not.toBe('')
  })
})

test('the recipes of training.md reach what it says', () => {
  const [oneCall = '', byHand = '', equations = ''] = examplesOf('training.md').map(run)
  expect(oneCall).toContain('[2, 5, 1] → [2, 1, 1]')
  expect(Number(oneCall.trim().split('\n').at(-1))).toBeLessThan(1e-5)
  const [, ids, layers, rmse] = byHand
    .trim()
    .split('\n')
    .at(-1)!
    .match(/^\[ (.+?) \] \[ (.+?) \] (.+)$/)!
  expect([ids, layers]).toEqual(['0, 1', '2, 2, 1'])
  expect(Number(rmse)).toBeLessThan(1e-3)
  const [found, expected] = equations.trim().split(' ').map(Number)
  expect(Math.abs(found! - expected!)).toBeLessThan(1e-6)
})
