/** `import` and `require` give the same classes, and nothing native is among them. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import test from 'ava'
import * as imported from 'kanode'
import { root, run } from './helpers.js'

test('import and require give the same classes, without TypeScript and without a loader', async t => {
  const program = `
    import { createRequire } from 'node:module'
    import * as imported from 'kanode'
    const required = createRequire(import.meta.url)('kanode')
    const names = Object.keys(required)
    const same = names.every(name => Object.is(required[name], imported[name]))
    const { Kan, KanError } = required
    let caught
    try {
      new imported.Kan({ layers: [1] })
    } catch (error) {
      caught = error instanceof KanError
    }
    console.log(same, names.length === Object.keys(imported).length, caught, new Kan({ layers: [1, 1] }).predictSync([0]).length)
  `
  t.like(await run(program), { code: 0, stdout: 'true true true 1\n', stderr: '' })
})

test('native classes are not exported', t => {
  t.false(Object.keys(imported).some(name => name.startsWith('Native')))
  const { exports } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
  t.deepEqual(Object.keys(exports).sort(), ['.', './package.json'])
})

test('nothing runs when the package is installed', t => {
  const { scripts, dependencies } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
  for (const name of ['preinstall', 'install', 'postinstall', 'prepare']) t.is(scripts[name], undefined)
  t.is(dependencies, undefined)
})
