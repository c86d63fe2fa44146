// What the README shows is what the package does.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Kan } from 'kanode'
import { afterAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(path.join(tmpdir(), 'kanode-readme-'))
afterAll(() => rmSync(folder, { recursive: true }))

const readme = readFileSync(path.join(root, 'README.md'), 'utf8')
const examples = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map(match => match[1] ?? '')
const [example = '', more = '', mistakes = ''] = examples
const [output, errors] = [...readme.matchAll(/<!-- output -->\n```\n([\s\S]*?)```/g)].map(match => match[1])

/** Runs JavaScript in the repository's folder, with the files that it names kept elsewhere; returns what it prints. */
function run(code: string): string {
  const elsewhere = code.replaceAll(/'(\w+\.kan)'/g, (_, name: string) => JSON.stringify(path.join(folder, name)))
  return execFileSync(process.execPath, ['--input-type=module', '-e', elsewhere], { cwd: root, encoding: 'utf8' })
}

test('every example is one of those that run here', () => {
  expect(examples.length).toBe(3)
})

test('the example prints what the README says', () => {
  expect(run(example)).toBe(output)
})

test('the second example runs and shows progress in miles per gallon', () => {
  const lines = run(`${example}\n${more}\nconsole.log('predicted', mpg)`).slice(output?.length).trim().split('\n')
  expect(lines[0]).toMatch(/^1 \d+\.\d+$/)
  expect(lines.at(-1)).toMatch(/^predicted \d\d\.\d+$/)
})

test('the second example leaves a checkpoint that can be resumed', async () => {
  const model = await Kan.load(path.join(folder, 'run.kan'))
  expect(model.layers).toEqual([9, 5, 1])
  expect(model.resumable).toBe(true)
})

test('errors are what the README says', () => {
  expect(run(mistakes)).toBe(errors)
})

test('the README is short enough to be read', () => {
  expect(readme.split('\n').length).toBeLessThanOrEqual(120)
})
