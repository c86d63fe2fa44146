// The shapes of bench/peers on the graphics processor and on the processor: `npm run bench:gpu [-- shape… --save]`.
// A software adapter is measured only if KANODE_ADAPTER names it; its times say nothing, its counts do.
import { createRequire } from 'node:module'
import { adapters } from 'kanode'
import { main, readArguments } from '../common/arguments.mjs'
import { dataOf, modelOf, stepTime } from '../common/kanode.mjs'
import { announce, bytes, cores, digits, save, table, time, times } from '../common/report.mjs'
import { shapes, titleOf } from '../common/shapes.mjs'
import { findImages } from '../end-to-end/fashion.mjs'
import { compare } from './fashion.mjs'
import { startPeers, timePeers } from './peers.mjs'

const { gpuTraffic } = createRequire(import.meta.url)('../../dist/loader/binding.js').loadBinding()

await main(async () => {
  const options = readArguments(process.argv.slice(2), {
    usage: 'npm run bench:gpu',
    names: [...shapes.map(({ name }) => name), 'fashion'],
    defaults: { threads: cores(), rounds: 3, seconds: 0.5 },
    texts: ['data'],
  })
  const found = adapters()
  const named = process.env.KANODE_ADAPTER
  if (!found.some(({ type }) => type !== 'cpu') && !named) {
    const software = found.map(({ name }) => name).join(', ')
    console.log(`No GPU on this machine${software ? ` but ${software}; KANODE_ADAPTER=… names it` : ''}.`)
    return
  }
  const { names, threads, rounds, seconds } = options
  const facts = announce({}, { threads })
  for (const { name, type, api, driver } of found) console.log(`adapter ${name}, ${type}, ${api}, ${driver}`)
  const { peers, reason, facts: theirs } = await startPeers({ threads })
  if (peers === undefined) console.log(`No CUDA peers: ${reason}.`)
  const lines = [
    [
      '',
      'CPU',
      'GPU',
      'CPU/GPU',
      'on the device',
      'dispatches',
      'submissions',
      'readbacks',
      'uploaded',
      'of the ideal',
    ],
  ]
  const rivals = []
  for (const shape of shapes.filter(({ name }) => names.includes(name))) {
    const result = await measure(shape, { threads, rounds, seconds })
    lines.push(line(shape, result))
    if (peers !== undefined) result.peers = await timePeers(peers, shape, { seconds })
    rivals.push(...peerLines(shape, result))
    const command = `npm run bench:gpu -- ${shape.name}`
    const about = { ...facts, ...theirs, adapters: found, command }
    if (options.save) save('gpu', { [shape.name]: { ...about, ...shape, ...result } })
  }
  await peers?.close()
  if (lines.length > 1) console.log(table(lines))
  if (rivals.length > 0) console.log(table([['', 'PyTorch on CUDA', 'step', 'GPU/PyTorch'], ...rivals]))
  if (!names.includes('fashion')) return
  const folder = findImages(options.data)
  if (folder === null) console.log('No Fashion-MNIST: node bench/end-to-end/fetch-fashion.mjs fetches it.')
  else await compare(folder)
})

/** Milliseconds of a step of Adam on both, in turn, and what a step moves to and from the device. */
async function measure(shape, { threads, rounds, seconds }) {
  const { x, y } = dataOf(shape)
  const { layers, batch } = shape
  const samples = { x: { data: x, shape: [batch, layers[0]] }, y: { data: y, shape: [batch, layers.at(-1)] } }
  const models = { cpu: modelOf(shape), gpu: modelOf(shape) }
  const fit = async (device, steps, options) =>
    stepTime((await models[device].fit(samples, { optimizer: 'adam', steps, device, threads, ...options })).records)
  const all = { cpu: [], gpu: [] }
  for (let round = 0; round < rounds; round++) {
    for (const device of ['cpu', 'gpu']) {
      const estimate = all[device].at(-1) ?? (await fit(device, 3))
      all[device].push(await fit(device, Math.min(5000, Math.max(3, Math.ceil((1000 * seconds) / estimate)))))
    }
  }
  const [few, many] = [await moved(fit, 40), await moved(fit, 104)]
  const perStep = name => (many[name] - few[name]) / 64
  const ideal = 4 * batch * (layers[0] + layers.at(-1))
  const median = list => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]
  return {
    cpu: median(all.cpu),
    gpu: median(all.gpu),
    device: many.passSeconds === null ? null : 1000 * many.passSeconds,
    dispatches: perStep('dispatches'),
    submissions: perStep('submissions'),
    readbacks: perStep('readbacks'),
    uploaded: perStep('uploaded'),
    ideal,
    rounds: all,
  }
}

/** What a fit of so many steps moves; a longer one moves what its further steps do. Best parameters come home or not. */
async function moved(fit, steps) {
  const before = JSON.parse(gpuTraffic())
  await fit('gpu', steps, { restoreBest: false })
  const after = JSON.parse(gpuTraffic())
  const difference = Object.keys(after).map(name => [name, after[name] - before[name]])
  return { ...Object.fromEntries(difference), passSeconds: after.passSeconds }
}

/** Steps of the networks in PyTorch, and how many times theirs ours is. */
function peerLines(shape, { gpu, peers }) {
  const steps = Object.entries(peers?.steps ?? {})
  return steps.map(([name, ms]) => [titleOf(shape), name, time(ms), times(gpu / ms)])
}

function line(shape, { cpu, gpu, device, dispatches, submissions, readbacks, uploaded, ideal }) {
  return [
    titleOf(shape),
    time(cpu),
    time(gpu),
    times(cpu / gpu),
    time(device),
    digits(dispatches),
    digits(submissions),
    digits(readbacks),
    bytes(uploaded),
    times(uploaded / ideal),
  ]
}
