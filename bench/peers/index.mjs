// Measures kanode beside other KANs and fully connected networks: `npm run bench:peers [-- shape… memory --save]`.
// Processes take turns in one run, on the same threads and shapes.
import { main, readArguments } from '../common/arguments.mjs'
import { inNode } from '../common/kanode.mjs'
import { announce, cores, save, table, time, times } from '../common/report.mjs'
import { shapes, titleOf } from '../common/shapes.mjs'
import { alternate, ratios, warnUnsteady } from '../common/timing.mjs'
import { plain } from '../pure-js/rivals.mjs'
import { measureMemory } from './memory.mjs'
import { arkan, asRival, build, kernels } from './programs.mjs'
import { Peers } from './python.mjs'
import { isArkans, pythonRivals } from './rivals.mjs'

const columns = { forward: 'forward', gradient: 'forward + backward', step: 'step of Adam', fused: 'fused Adam' }
const modes = Object.keys(columns)

await main(async () => {
  const options = readArguments(process.argv.slice(2), {
    usage: 'npm run bench:peers',
    names: [...shapes.map(({ name }) => name), 'memory'],
    defaults: { threads: cores(), rounds: 5, seconds: 0.3 },
  })
  const { names, threads, rounds, seconds } = options
  const chosen = shapes.filter(({ name }) => names.includes(name))
  const peers = Peers.start({ threads })
  const facts = announce(peers === null ? {} : await peers.ask('versions', { threads }), { threads })
  if (peers === null) console.log('No Python peers: node bench/peers/setup.mjs installs them (6 GB, two minutes).')
  if (peers !== null) await check(peers)
  const ours = await program(kernels, 'kanode in Rust')
  const theirs = chosen.some(isArkans) ? await program(arkan, 'arkan') : null

  try {
    for (const shape of chosen) {
      const found = peers === null ? { rivals: [], leftOut: {} } : await pythonRivals(peers, shape)
      const rivals = [inNode(shape, { threads }), ...found.rivals]
      if (ours !== null) rivals.unshift(asRival(ours, shape, { name: 'kanode', threads }))
      if (theirs !== null && isArkans(shape)) {
        rivals.push(asRival(theirs, shape, { name: 'arkan', threads }))
      }
      rivals.push(plain(shape))
      const measured = await alternate(rivals, { modes, rounds, seconds })
      const parameters = Object.fromEntries(found.rivals.map(rival => [rival.name, rival.parameters]))
      print(shape, rivals, measured, found.leftOut)
      const command = `npm run bench:peers -- ${shape.name}`
      const result = { ...facts, ...shape, command, measured, parameters, leftOut: found.leftOut }
      if (options.save) save('peers', { [shape.name]: result })
      await peers?.ask('drop')
    }
  } finally {
    await peers?.close()
  }
  if (!names.includes('memory')) return
  const memory = await measureMemory({ program: ours, threads })
  if (options.save) save('peers', { memory: { ...facts, command: 'npm run bench:peers -- memory', ...memory } })
})

/** What we wrote down again computes the same splines as a package that others wrote. */
async function check(peers) {
  const { difference } = await peers.ask('check')
  if (difference > 1e-5) throw new Error(`efficient-kan is off by ${difference} from inkan`)
}

/** A program, built; null and a line where that fails. */
async function program(it, name) {
  const reason = await build(it)
  if (reason === null) return it
  console.log(`${name} left out: ${reason}`)
  return null
}

function print(shape, rivals, measured, leftOut) {
  const base = rivals[0].name
  const own = { ...measured, fused: { ...measured.fused, [base]: measured.step[base] } }
  const lines = rivals.map(({ name }) => [
    name,
    ...modes.flatMap(mode => {
      const ms = measured[mode][name]?.ms
      return [time(ms), ms === undefined ? '' : times(ratios(own[mode], base)[name])]
    }),
  ])
  console.log(`\n${titleOf(shape)}: time, and how many times that of ${base}`)
  console.log(table([['', ...Object.values(columns).flatMap(title => [title, ''])], ...lines]))
  warnUnsteady(measured)
  for (const [name, reason] of Object.entries(leftOut)) console.log(`  ${name} left out: ${reason}`)
}
