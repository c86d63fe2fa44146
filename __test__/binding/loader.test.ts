/**
 * The package as npm lays it out, in every state that keeps its library from being loaded: the error says for which
 * machine, what was tried, the real cause, and the command that mends it.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { root, run } from './helpers.js'

const library = readdirSync(path.join(root, 'dist')).find(file => file.endsWith('.node'))!
const platform = library.split('.')[1]!
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
const onGlibc = platform.endsWith('-gnu') ? test : test.skip

/** What an installation has instead: another folder for packages, other fields of package.json. */
interface Overrides {
  modules?: string
  version?: string
  engines?: { node: string }
}

/** A folder with kanode in node_modules, and the platform packages that `add` puts beside it. */
class Installation {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'kanode-loader-'))
  /** Where packages lie. */
  readonly modules: string
  readonly main: string

  constructor(t: ExecutionContext, { modules = 'node_modules', ...overrides }: Overrides = {}) {
    this.modules = path.join(this.folder, modules)
    this.main = path.join(this.modules, 'kanode')
    t.teardown(() => rmSync(this.folder, { recursive: true, force: true }))
    mkdirSync(this.main, { recursive: true })
    writeFileSync(path.join(this.main, 'package.json'), JSON.stringify({ ...manifest, ...overrides }))
    cpSync(path.join(root, 'dist'), path.join(this.main, 'dist'), {
      recursive: true,
      filter: name => !name.endsWith('.node'),
    })
  }

  /** Installs a platform package, with this machine's library or with other content in its place. */
  add(name = platform, content = readFileSync(path.join(root, 'dist', library))): this {
    const folder = path.join(this.modules, '@kanode', `binding-${name}`)
    const main = `kanode.${name}.node`
    mkdirSync(folder, { recursive: true })
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name: `@kanode/binding-${name}`, main }))
    writeFileSync(path.join(folder, main), content)
    return this
  }

  /** Loads the package in a process of its own, after some preparation there, with flags of Node.js. */
  async load(t: ExecutionContext, before = '', flags: readonly string[] = []) {
    const program = `
      ${before}
      try {
        const { Kan } = await import(${JSON.stringify(pathToFileURL(path.join(this.main, 'dist', 'index.mjs')).href)})
        console.log(JSON.stringify({ loaded: new Kan({ layers: [1, 1] }).parameterCount > 0 }))
      } catch ({ name, code, message, hint, details }) {
        console.log(JSON.stringify({ name, code, message, hint, details }))
      }
    `
    const { code, stdout, stderr } = await run(program, flags)
    t.is(code, 0, stderr)
    return JSON.parse(stdout)
  }

  /** Loads the package, which must fail, and checks what all its errors have in common. */
  async refused(t: ExecutionContext, reason: string, before = '', flags: readonly string[] = []) {
    const error = await this.load(t, before, flags)
    t.like(error, { name: 'KanError', code: 'ERR_KAN_LOAD', details: { reason } })
    t.is(error.message.split('\n').at(-1), `Hint: ${error.hint}`)
    t.notRegex(error.message, /undefined|\[object|wasm|4828/)
    return error
  }
}

const again = 'Run `npm uninstall kanode && npm install kanode@'

test('the library of the platform package is loaded', async t => {
  t.deepEqual(await new Installation(t).add().load(t), { loaded: true })
})

test('no platform package', async t => {
  const { message, hint, details } = await new Installation(t).refused(t, 'missing')
  const { node } = process.versions
  t.true(message.startsWith(`The native part of kanode could not be loaded on ${process.platform} ${process.arch}`))
  t.regex(message, new RegExp(`, Node ${node}: the package with its library is not installed\\.\\n`))
  t.true(message.includes(`  tried @kanode/binding-${platform}: not installed\n`))
  t.true(hint.startsWith(`${again}${manifest.version} --include=optional\``))
  t.like(details, { platform: process.platform, arch: process.arch, installed: [] })
})

onGlibc('node_modules from a machine with another C library', async t => {
  const musl = 'process.report.getReport = () => ({ header: {} })'
  const { message, hint, details } = await new Installation(t).add().refused(t, 'otherPlatform', musl)
  t.regex(
    message,
    /on linux \w+ with musl, Node .*: what is installed is for another platform \(@kanode\/binding-linux-\w+-gnu\)/,
  )
  t.regex(message, /tried @kanode\/binding-linux-\w+-musl: not installed/)
  t.true(hint.startsWith(again))
  t.deepEqual([details.libc, details.glibc], ['musl', null])
})

onGlibc('a runtime without reports', async t => {
  const none = "Object.defineProperty(process, 'report', { value: undefined })"
  t.deepEqual(await new Installation(t).add().load(t, none), { loaded: true })
})

onGlibc('a runtime that hides its C library', async t => {
  const hidden = "process.report.getReport = () => { throw new Error('--allow-sys') }"
  t.deepEqual(await new Installation(t).add().load(t, hidden), { loaded: true })
  const { message } = await new Installation(t).refused(t, 'missing', hidden)
  t.regex(message, /-gnu: not installed\n {2}tried @kanode\/binding-linux-\w+-musl: not installed\n/)
})

test('node_modules from a machine with another processor', async t => {
  const [other = ''] = ['darwin-arm64', 'win32-x64-msvc'].filter(name => name !== platform)
  const { message } = await new Installation(t).add(other, Buffer.from('')).refused(t, 'otherPlatform')
  t.true(message.includes(`what is installed is for another platform (@kanode/binding-${other}).`))
})

onGlibc('a system with a glibc that is too old', async t => {
  const needy = Buffer.from(readFileSync(path.join(root, 'dist', library)))
  const at = needy.indexOf('GLIBC_2.')
  t.true(at > 0)
  needy.write('GLIBC_9.', at, 'latin1')
  const { message, hint } = await new Installation(t).add(platform, needy).refused(t, 'glibc')
  t.regex(message, /its library needs glibc 9\.\d+ or later, and this system has 2\.\d+\.\n/)
  t.regex(message, /tried @kanode\/binding-linux-\w+-gnu: .*version `GLIBC_9\.\S+' not found/)
  t.is(hint, 'Use a newer system or image.')
})

test('a library that is damaged', async t => {
  for (const content of ['', 'no library', readFileSync(path.join(root, 'dist', library)).subarray(0, 10_000)]) {
    const { message, hint } = await new Installation(t).add(platform, Buffer.from(content)).refused(t, 'damaged')
    t.regex(message, /: its library is damaged, or not for this system\.\n/)
    t.regex(
      message,
      /tried @kanode\/binding-\S+: .*(file too short|invalid|truncated|exec format|not a valid|not valid|mach-o|cannot)/i,
    )
    t.true(hint.startsWith(again))
  }
})

test('a platform package that has lost its library', async t => {
  const installation = new Installation(t).add()
  const folder = path.join(installation.modules, '@kanode', `binding-${platform}`)
  rmSync(path.join(folder, `kanode.${platform}.node`))
  const { message, hint } = await installation.refused(t, 'damaged')
  t.true(message.includes(`: its library is missing from ${realpathSync(folder)}.\n`))
  t.true(hint.startsWith(again))
})

test('a Node.js that is too old for the package', async t => {
  const { message, hint } = await new Installation(t, { engines: { node: '>=99.1' } }).refused(t, 'node')
  t.true(message.includes(': kanode is for Node.js >=99.1.\n'))
  t.regex(hint, /^Install Node\.js >=99\.1\. Then: Run `npm uninstall/)
})

test('a library of another version', async t => {
  const { message, hint } = await new Installation(t, { version: '9.8.7' }).add().refused(t, 'version')
  t.true(message.includes(`: its library has version ${manifest.version}, where 9.8.7 is needed.\n`))
  t.true(message.includes(`  tried @kanode/binding-${platform}: version ${manifest.version}\n`))
  t.true(hint.startsWith(`${again}9.8.7 --include=optional\``))
})

test('something else in place of a library', async t => {
  const installation = new Installation(t).add()
  const folder = path.join(installation.modules, '@kanode', `binding-${platform}`)
  writeFileSync(path.join(folder, 'package.json'), '{}')
  writeFileSync(path.join(folder, 'index.js'), '')
  const { message } = await installation.refused(t, 'version')
  t.true(message.includes('its library has version unknown'))
})

test('a platform that has no package', async t => {
  const before = "Object.defineProperty(process, 'platform', { value: 'sunos' })"
  const { message, hint } = await new Installation(t).refused(t, 'unsupported', before)
  t.regex(message, /on sunos \w+, Node .*: there is no library for sunos-\w+\.\n/)
  t.regex(hint, /^Build it from source/)
})

const as = (versions: object) =>
  `Object.defineProperty(process, 'versions', { value: { ...process.versions, ...${JSON.stringify(versions)} } })`

test('Deno that does not allow it', async t => {
  const denied = `
    ${as({ deno: '2.9.6' })}
    const { default: Module } = await import('node:module')
    Module._extensions['.node'] = () => { throw new Error('Requires ffi access, run again with the --allow-ffi flag') }
  `
  const { hint } = await new Installation(t).add().refused(t, 'permission', denied)
  t.regex(hint, /^Run `deno run --allow-ffi --allow-read --allow-env`/)
})

test('Node.js that does not load native code', async t => {
  const { message, hint } = await new Installation(t).add().refused(t, 'permission', '', ['--no-addons'])
  t.true(message.includes(': the runtime does not allow it.\n'))
  t.regex(hint, /^Run `node` without --no-addons, .*--allow-addons/)
})

test('Node.js that may not read the platform package', async t => {
  const installation = new Installation(t).add()
  const permission = process.allowedNodeEnvironmentFlags.has('--permission') ? '' : 'experimental-'
  const flags = ['--no-warnings', '--allow-addons', `--allow-fs-read=${path.join(installation.main, '*')}`]
  const { message } = await installation.refused(t, 'permission', '', [`--${permission}permission`, ...flags])
  t.regex(message, /tried @kanode\/binding-\S+: Access to this API has been restricted/)
})

test('the command that mends it is one of the package manager that installed it', async t => {
  const pnpm = new Installation(t, { modules: `node_modules/.pnpm/kanode@${manifest.version}/node_modules` })
  for (const [installation, versions, command] of [
    [pnpm, {}, /^Run `pnpm remove kanode && pnpm add kanode@\S+ --config.optional=true`/],
    [new Installation(t), { pnp: '3' }, /^Run `yarn remove kanode && yarn add kanode@\S+`/],
    [new Installation(t), { bun: '1.4.5' }, /^Run `bun remove kanode && bun add kanode@\S+`/],
  ] as const) {
    t.regex((await installation.refused(t, 'missing', as(versions))).hint, command)
  }
})

test('the command line tells it without a stack', async t => {
  const { main } = new Installation(t)
  const { stdout, stderr, code } = await run(`
    process.argv.splice(1, 1, 'kanode', 'doctor')
    await import(${JSON.stringify(pathToFileURL(path.join(main, 'dist', 'cli.js')).href)})
  `)
  t.deepEqual([code, stdout], [1, ''])
  t.regex(stderr, /^The native part of kanode could not be loaded on .*\n {2}tried .*\nHint: .*\n$/)
})

test('in the repository, the build is what mends it', async t => {
  const installation = new Installation(t)
  writeFileSync(path.join(installation.main, 'Cargo.toml'), '')
  const { hint } = await installation.refused(t, 'missing')
  t.true(hint.startsWith(`Run \`npm run build\` in ${installation.main}, `))
  const broken = path.join(installation.main, 'dist', library)
  writeFileSync(broken, 'no library')
  const { message } = await installation.refused(t, 'damaged')
  t.true(message.includes(`  tried ${broken}: `))
  t.deepEqual(await installation.add().load(t), { loaded: true })
})
