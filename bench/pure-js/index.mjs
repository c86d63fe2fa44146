// Measures kanode beside what JavaScript can do by itself: `npm run bench:js [-- shape… --save]`.
import { main, readArguments } from '../common/arguments.mjs'
import { inNode } from '../common/kanode.mjs'
import { announce, cores, save, table, time, times } from '../common/report.mjs'
import { shapes, titleOf } from '../common/shapes.mjs'
import { alternate, ratios, warnUnsteady } from '../common/timing.mjs'
import { disagreement, plain, tensorflow } from './rivals.mjs'
import { loadTensorflow } from './tensorflow/network.mjs'

const modes = ['forward', 'gradient', 'step']
const usual = ['2-5-1/1', '2-5-1/1000', '21-64-64-24/64', '784-64-10/64', '64-64-64/4096']
const backends = ['cpu', 'wasm']
const install = 'npm install --prefix bench/pure-js/tensorflow'

await main(async () => {
  const args = process.argv.slice(2)
  const {
    names,
    threads,
    rounds,
    seconds,
    save: keep,
  } = readArguments(args, {
    usage: 'npm run bench:js',
    names: shapes.map(({ name }) => name),
    usual,
    defaults: { threads: cores(), rounds: 3, seconds: 0.3 },
  })
  const tf = await loadTensorflow()
  const facts = announce({ ...(tf && { 'TensorFlow.js': tf.version_core }) }, { threads })
  if (tf === null) console.log(`TensorFlow.js is not installed and left out; to measure it: ${install}`)
  console.log(
    'kanode and TensorFlow.js compute in f32, plain JavaScript in f64, in which it is faster; both rivals on one thread',
  )
  for (const backend of tf ? backends : []) await check(tf, backend)

  const results = {}
  for (const shape of shapes.filter(({ name }) => names.includes(name))) {
    const rivals = [inNode(shape, { threads, name: 'kanode' }), plain(shape)]
    if (threads > 1) rivals.splice(1, 0, inNode(shape, { threads: 1, name: 'kanode, 1 thread' }))
    for (const backend of tf ? backends : []) rivals.push(await tensorflow(tf, backend, shape))
    const measured = await alternate(rivals, { modes, rounds, seconds })
    for (const rival of rivals) rival.dispose?.()
    results[shape.name] = { ...facts, ...shape, command: `npm run bench:js -- ${shape.name}`, measured }
    print(shape, rivals, measured)
  }
  if (keep) save('js', results)
})

/** A rival that computes something else would be no rival. */
async function check(tf, backend) {
  const difference = await disagreement(tf, backend)
  if (difference > 1e-4) throw new Error(`TensorFlow.js ${backend} is off by ${difference} from kanode`)
}

function print(shape, rivals, measured) {
  const relative = ratios(measured.step, 'kanode')
  const lines = rivals.map(({ name }) => [
    name,
    ...modes.map(mode => time(measured[mode][name]?.ms)),
    times(relative[name]),
  ])
  console.log(`\n${titleOf(shape)}`)
  console.log(table([['', 'forward', 'forward + backward', 'step of Adam', 'step, of kanode’s'], ...lines]))
  warnUnsteady(measured)
}
