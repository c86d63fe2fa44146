/** A binding that can't be loaded says for which machine, what was tried, why it failed, and how to mend it. */
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { root, run } from './helpers.js'

/** A copy of the built package without its native library. */
function copy(t: ExecutionContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'kanode-loader-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(path.join(root, 'dist'), folder, { recursive: true, filter: name => !name.endsWith('.node') })
  return folder
}

const load = (folder: string) => `
  try {
    await import(${JSON.stringify(pathToFileURL(path.join(folder, 'index.mjs')).href)})
  } catch (error) {
    console.log(JSON.stringify({ name: error.name, code: error.code, message: error.message, details: error.details }))
  }
`

test('a library that is missing', async t => {
  const { code, stdout, stderr } = await run(load(copy(t)))
  t.is(code, 0, stderr)
  const error = JSON.parse(stdout)
  t.is(error.code, 'ERR_KAN_LOAD')
  t.is(error.name, 'KanError')
  t.true(error.message.includes(`(${process.platform} ${process.arch}`))
  t.regex(error.message, /Cannot find module '\.\/kanode\..*\.node'/)
  t.regex(error.message, /also tried: Cannot find module '@kanode\/binding-/)
  t.regex(error.message, /npm run build/)
  t.notRegex(error.message, /wasm|wasi|4828/i)
  t.like(error.details, { platform: process.platform, arch: process.arch })
})

test('a library that is broken', async t => {
  const folder = copy(t)
  const name = readdirSync(path.join(root, 'dist')).find(file => file.endsWith('.node'))!
  writeFileSync(path.join(folder, name), 'no library')
  const { stdout } = await run(load(folder))
  const { message } = JSON.parse(stdout)
  t.regex(message.split('\n', 1)[0], /could not be loaded .*(file too short|invalid|not a valid|not valid)/i)
})
