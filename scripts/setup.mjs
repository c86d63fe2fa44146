// Makes a clone ready to use: npm packages, native library, compiled TypeScript, in this order and each only where
// it is missing or its inputs have changed. `npm start`, `npm test` and `npm run check` begin with it;
// `npm run build` runs it alone, and `npm run build:native` builds the native library whatever the stamps say.
import { copyFileSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fingerprint, forget, isFresh, remember } from './freshness.mjs'
import { Failure, isProgram, main, npm, root, run, since, tool } from './processes.mjs'
import { missingLinker, requireRust } from './rust.mjs'

/** What the native build writes into src/ beside the library itself: its types. The loader is src/loader. */
const types = 'native.d.cts'
/** What tsc does not carry over from src/ to dist/: those types, and the entry for `import`. */
const copied = [types, 'index.mjs', 'index.d.mts']
/** `KANODE_GPU=0` leaves out the part for graphics processors, which is some megabytes. */
const features = process.env.KANODE_GPU === '0' ? ['--no-default-features'] : []
/** The native build; what follows `--` goes to cargo. */
const napi = [
  ...['build', '--platform', '--release', '-p', 'kanode-binding', '--manifest-path', 'crates/binding/Cargo.toml'],
  ...['-o', 'src', '--no-js', '--dts', types, '--no-const-enum', ...features, '--', '--locked'],
]

const steps = [
  {
    name: 'packages',
    doing: 'installing the npm packages',
    print: () => fingerprint(['package.json', 'package-lock.json'], process.platform, process.arch),
    outputs: ['node_modules/.package-lock.json'],
    async make() {
      return run(...npm('ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'))
    },
  },
  {
    name: 'native',
    doing: 'building the native library (minutes the first time)',
    print: rust =>
      fingerprint(
        ['crates', 'Cargo.toml', 'Cargo.lock', 'rust-toolchain.toml', '.cargo', 'package.json'],
        rust,
        process.env.RUSTFLAGS,
        napi.join(' '),
      ),
    outputs: [`src/${types}`, 'src/*.node'],
    async make() {
      const status = await run(...tool('@napi-rs/cli', 'napi', ...napi))
      const reason = status === 0 ? undefined : missingLinker()
      if (reason) throw new Failure(reason)
      return status
    },
  },
  {
    name: 'typescript',
    doing: 'compiling the TypeScript',
    print: () => fingerprint(['src', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json']),
    outputs: ['dist/index.js', 'dist/*.node', ...copied.map(name => `dist/${name}`)],
    async make() {
      rmSync(path.join(root, 'dist'), { recursive: true, force: true })
      const status = await run(...tool('typescript', 'tsc', '-p', 'tsconfig.build.json'))
      if (status !== 0) return status
      const libraries = readdirSync(path.join(root, 'src')).filter(name => name.endsWith('.node'))
      for (const name of [...copied, ...libraries]) {
        copyFileSync(path.join(root, 'src', name), path.join(root, 'dist', name))
      }
      return 0
    },
  },
]

/** Brings every step up to date. `force` names a step to make in any case. */
export async function setup({ force } = {}) {
  const start = performance.now()
  const rust = requireRust()
  let made = 0
  for (const step of steps) {
    if (step.name !== force && isFresh(step.name, step.print(rust), step.outputs)) continue
    const begun = performance.now()
    console.log(`kanode: ${step.doing} …`)
    forget(step.name)
    const status = await step.make()
    if (status !== 0) throw new Failure(`kanode: ${step.doing} failed with status ${status}`)
    remember(step.name, step.print(rust))
    console.log(`kanode: done in ${since(begun)}`)
    made += 1
  }
  if (made === 0) console.log(`kanode: the build is up to date (checked in ${since(start)})`)
}

if (isProgram(import.meta.url)) {
  await main(() => setup({ force: process.argv[2] }))
}
