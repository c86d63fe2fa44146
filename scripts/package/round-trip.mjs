// `npm run round-trip`: the way of the package to a user, on one machine. Builds the library as it is published, packs
// and publishes every package to a registry of its own (those for other platforms without a library), installs kanode
// in an empty folder, runs the README's example there in every form, breaks the installation and mends it as the error
// says, and tries it as a release is tried. Where they are cached, other runtimes run the example too; `--runtimes all`
// or `--runtimes bun,deno` fetches them. `--library FILE` takes this library and dist/ as they are.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { Failure, main, since } from '../processes.mjs'
import { setup } from '../setup.mjs'
import { Consumer, forms, requireDocumented } from './consumer.mjs'
import { buildLibrary, megabytes } from './library.mjs'
import { publish, withRegistry } from './registry.mjs'
import { areCached, chosen, runtimes } from './runtimes.mjs'
import { smoke } from './smoke.mjs'
import { pack, readManifest, stage } from './stage.mjs'
import { targetOf, targets } from './targets.mjs'

/** What an installed kanode may weigh, its library included. */
const LARGEST = 15e6
/** How many seconds its installation from loopback may take. */
const SLOWEST = 5

const { values: options } = parseArgs({ options: { library: { type: 'string' }, runtimes: { type: 'string' } } })

/** The target that this machine is, by the judgement of the loader. */
function hostTarget() {
  const { platformsOf, thisMachine } = createRequire(import.meta.url)('../../dist/loader/machine.js')
  return targetOf(platformsOf(thisMachine())[0])
}

/** A new folder with this machine's library, and in place of every other one a file that can't be loaded. */
function librariesOf(folder, host, library) {
  mkdirSync(folder)
  for (const target of targets) {
    const file = path.join(folder, target.library)
    if (target === host) copyFileSync(library, file)
    else writeFileSync(file, 'This library is not built in a round trip.')
  }
  return folder
}

/** Refuses an installation of anything but the main package and, of all that it names, the one for this machine. */
function requireOnly(packages, host) {
  const wanted = ['kanode', `@kanode/binding-${host.platform}`].map(name => `node_modules/${name}`)
  if (packages.toSorted().join() !== wanted.toSorted().join()) throw new Failure(`npm installed ${packages.join(', ')}`)
}

/** Runs the README's example in every form, by default with this Node.js. */
async function runForms(consumer, names, label, command) {
  for (const name of names) {
    const begun = performance.now()
    requireDocumented(`${label}, ${name}`, consumer.run(await consumer.prepare(name), command))
    console.log(`kanode: ${label}, ${name}: as documented, ${since(begun)}`)
  }
}

/** Breaks the installation, takes the command out of the error, runs it, and expects that kanode loads again. */
function mend(consumer, host, what, breakIt) {
  breakIt(path.join(consumer.folder, 'node_modules', '@kanode', `binding-${host.platform}`))
  const file = 'load.cjs'
  consumer.write(file, "require('kanode')")
  const { status, stderr } = consumer.run(file)
  const commands = stderr.match(/Hint: Run `(npm uninstall kanode && npm install \S+ --include=optional)`/)?.[1]
  if (status === 0 || commands === undefined) throw new Failure(`${what}: no command that mends it in\n${stderr}`)
  for (const command of commands.split(' && ')) consumer.npm(...command.split(' ').slice(1))
  const again = consumer.run(file)
  if (again.status !== 0) throw new Failure(`${what}: "${commands}" did not mend it\n${again.stderr}`)
  console.log(`kanode: ${what}: mended by "${commands}"`)
}

/** Runs the README's example with other runtimes: with all of them, also when one fails. */
async function runRuntimes(consumer) {
  if (options.runtimes === undefined && !areCached()) {
    console.log('kanode: other runtimes left out: they are not cached (npm run round-trip -- --runtimes all)')
    return
  }
  const failures = []
  for (const [name, command] of chosen(await runtimes(), options.runtimes)) {
    await runForms(consumer, ['import', 'require'], name, command).catch(error => failures.push(error.message))
  }
  if (failures.length > 0) throw new Failure(failures.join('\n'))
}

/** What makes npm install for another machine. */
function platformFlags({ os, cpu, abi }) {
  const libc = { gnu: ['--libc=glibc'], musl: ['--libc=musl'] }[abi] ?? []
  return [`--os=${os}`, `--cpu=${cpu}`, ...libc]
}

await main(async () => {
  if (options.library === undefined) await setup()
  const host = hostTarget()
  const library = options.library === undefined ? await buildLibrary(host) : path.resolve(options.library)
  if (path.basename(library) !== host.library || !existsSync(library)) {
    throw new Failure(`${library} is no ${host.library}`)
  }

  const work = mkdtempSync(path.join(tmpdir(), 'kanode-round-trip-'))
  try {
    const staged = path.join(work, 'staged')
    const libraries = librariesOf(path.join(work, 'libraries'), host, library)
    const folders = stage({ folder: staged, targets, libraries })
    const packed = folders.map(folder => pack(folder, path.join(work, 'packed')))
    for (const { name, size, unpackedSize, entryCount } of [packed[targets.indexOf(host)], packed.at(-1)]) {
      console.log(`kanode: ${name}: ${entryCount} files, ${megabytes(unpackedSize)}, packed ${megabytes(size)}`)
    }

    await withRegistry(path.join(work, 'registry'), async registry => {
      await Promise.all(packed.map(({ archive }) => publish(archive, registry)))
      const { version } = readManifest(staged)
      const consumer = new Consumer(path.join(work, 'consumer'), registry)
      const { seconds, bytes, packages } = consumer.install('kanode')
      const taken = `${packages.length} packages in ${seconds.toFixed(1)} s`
      console.log(`kanode: installed ${taken}: ${megabytes(bytes)}, no script run`)
      requireOnly(packages, host)
      const installed = readManifest(path.join(consumer.folder, 'node_modules', 'kanode')).version
      if (installed !== version) throw new Failure(`npm installed ${installed}, not ${version}`)
      if (seconds > SLOWEST) throw new Failure(`npm installed ${taken}, more than ${SLOWEST} s`)
      if (bytes > LARGEST) throw new Failure(`kanode weighs ${megabytes(bytes)}, more than ${megabytes(LARGEST)}`)

      await runForms(consumer, Object.keys(forms), `node ${process.versions.node}`)
      mend(consumer, host, 'a missing platform package', folder => rmSync(folder, { recursive: true }))
      mend(consumer, host, 'a truncated library', folder => truncateSync(path.join(folder, host.library), 100_000))
      const other = targets.find(target => target !== host)
      mend(consumer, host, `an installation for ${other.platform}`, () => consumer.npm('ci', ...platformFlags(other)))

      await smoke(new Consumer(path.join(work, 'smoke'), registry), version)
      await runRuntimes(consumer)
    })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
})
