// A user of the package: an empty folder outside the repository, an empty npm cache, and nothing but Node.js on the
// PATH. What the README shows is run there in every way in which users write it.
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { answer, ask, Failure, npm, root, tool } from '../processes.mjs'
import { packagingTool } from './tools.mjs'

const readme = readFileSync(path.join(root, 'README.md'), 'utf8')

/** The README's example and what it says that it prints. */
export const example = {
  code: readme.match(/<!-- example -->\n```js\n([\s\S]*?)```/)[1],
  output: readme.match(/<!-- output -->\n```\n([\s\S]*?)```/)[1],
}

/** The example for `require`: CommonJS has no `await` at the top. */
function forRequire(code, imported) {
  const [, names, rest] = code.match(/^import (\{[^}]+\}) from 'kanode'\n([\s\S]*)$/)
  return `${imported(names)}\n\nvoid (async () => {\n${rest}})()\n`
}

const compilerOptions = {
  strict: true,
  skipLibCheck: false,
  types: [],
  target: 'es2022',
  lib: ['es2022', 'dom'],
  outDir: 'out',
}

/** The example for a CommonJS file that a compiler makes of `import`. */
const compiledToRequire = forRequire(example.code, names => `import ${names} from 'kanode'`)

/** The ways to write the example: files, how to compile or bundle them, what to run. */
export const forms = {
  import: { files: { 'example.mjs': example.code }, main: 'example.mjs' },
  require: {
    files: { 'example.cjs': forRequire(example.code, names => `const ${names} = require('kanode')`) },
    main: 'example.cjs',
  },
  'TypeScript, node16': {
    files: { 'example.mts': example.code },
    compile: { module: 'node16', moduleResolution: 'node16' },
    main: 'out/example.mjs',
  },
  'TypeScript, node16, CommonJS': {
    files: { 'example.cts': compiledToRequire },
    compile: { module: 'node16', moduleResolution: 'node16' },
    main: 'out/example.cjs',
  },
  'TypeScript, bundler': {
    files: { 'example.ts': example.code, 'package.json': '{ "type": "module" }' },
    compile: { module: 'esnext', moduleResolution: 'bundler' },
    main: 'out/example.js',
  },
  'bundled without kanode': {
    files: { 'example.mjs': example.code },
    bundle: ['example.mjs', '--format=esm', '--external:kanode', '--outfile=out/example.mjs'],
    main: 'out/example.mjs',
  },
  'bundled with kanode': {
    files: { 'example.mjs': compiledToRequire },
    bundle: ['example.mjs', '--format=cjs', '--loader:.node=copy', '--outfile=out/example.cjs'],
    main: 'out/example.cjs',
  },
}

export class Consumer {
  /** Makes a project in `folder` that installs from `registry`, or from the public one. */
  constructor(folder, registry) {
    this.folder = path.join(folder, 'project')
    const programs = path.join(folder, 'bin')
    for (const each of [this.folder, programs]) mkdirSync(each, { recursive: true })
    symlinkSync(process.execPath, path.join(programs, path.basename(process.execPath)))
    this.env = { PATH: programs, HOME: folder, npm_config_cache: path.join(folder, 'cache') }
    if (registry !== undefined) this.env.npm_config_registry = registry
    // Without these, nothing on Windows finds its libraries and folders.
    for (const name of ['SystemRoot', 'TEMP', 'APPDATA']) if (process.env[name]) this.env[name] = process.env[name]
    if (ask('cargo', ['--version'], { env: this.env }).status !== null) throw new Failure('Rust is on the PATH')
    this.write('package.json', '{ "private": true }\n')
  }

  /** Writes a file of the project. */
  write(name, text) {
    const file = path.join(this.folder, name)
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, text)
  }

  /** Runs npm in the project; returns what it prints. */
  npm(...args) {
    return answer(...npm(...args), { cwd: this.folder, env: this.env })
  }

  /** Installs kanode, or `kanode@1.2.3`, with the table of its example, and refuses scripts that run meanwhile. */
  install(what) {
    const begun = performance.now()
    process.stdout.write(this.npm('install', what, '--prefer-online', '--no-audit', '--no-fund'))
    const seconds = (performance.now() - begun) / 1000
    cpSync(path.join(this.folder, 'node_modules/kanode/examples'), path.join(this.folder, 'examples'), {
      recursive: true,
    })
    const { packages } = JSON.parse(readFileSync(path.join(this.folder, 'node_modules/.package-lock.json'), 'utf8'))
    const scripted = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript)
    if (scripted.length > 0) throw new Failure(`${scripted.map(([name]) => name)} would run a script when installed`)
    return { seconds, bytes: sizeOf(path.join(this.folder, 'node_modules')), packages: Object.keys(packages) }
  }

  /** Lays out one of `forms`, compiles or bundles it if need be, and returns the file to run. */
  async prepare(name) {
    const { files, compile, bundle, main } = forms[name]
    const folder = name.replaceAll(/\W+/g, '-')
    for (const [file, text] of Object.entries(files)) this.write(path.join(folder, file), text)
    if (compile) {
      const options = { compilerOptions: { ...compilerOptions, ...compile }, include: ['.'] }
      this.write(path.join(folder, 'tsconfig.json'), JSON.stringify(options))
      answer(...tool('typescript', 'tsc', '-p', path.join(this.folder, folder)))
    }
    if (bundle) {
      const esbuild = await packagingTool('esbuild', 'esbuild', ...bundle, '--bundle', '--platform=node')
      answer(...esbuild, { cwd: path.join(this.folder, folder) })
    }
    return path.join(folder, main)
  }

  /** Runs a file of the project, by default with Node.js; returns `{ status, stdout, stderr }`. */
  run(file, [command, ...args] = [process.execPath]) {
    return ask(command, [...args, file], { cwd: this.folder, env: this.env })
  }
}

/** Refuses a run of the example that did not print what the README says, and nothing else. */
export function requireDocumented(name, { status, stdout, stderr }) {
  if (status === 0 && stdout === example.output && stderr === '') return
  throw new Failure(`${name}: the README's example ended with status ${status} and printed\n${stdout}${stderr}`)
}

/** Bytes of all files below a folder. */
export function sizeOf(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  return entries.reduce((sum, { parentPath, name }) => sum + statSync(path.join(parentPath, name)).size, 0)
}
