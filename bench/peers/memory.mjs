// Most memory that training needs: two steps of Adam, above the process before data and network are there. Each rival
// has a process of its own; `node bench/peers/memory.mjs threads` is kanode's in Node.js.

import { execFileSync } from 'node:child_process'
import { freemem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { dataOf, modelOf } from '../common/kanode.mjs'
import { bytes, table, times } from '../common/report.mjs'
import { memoryShape, titleOf } from '../common/shapes.mjs'
import { argumentsFor, peakOf, processBytes } from './programs.mjs'
import { Peers } from './python.mjs'
import { requestFor } from './rivals.mjs'

const itself = fileURLToPath(import.meta.url)

/** Networks of networks.py, and the bytes that must be free for each: more than it was seen to need. */
const networks = { MLP: 4e9, 'MLP, same parameters': 6e9, inkan: 20e9, FastKAN: 20e9, 'efficient-kan': 20e9 }

/** Measures all of them; `program` is ours in Rust, or null. */
export async function measureMemory({ program, threads }) {
  const shape = memoryShape
  const measured = {}
  const leftOut = {}
  if (program !== null) {
    measured.kanode = await peakOf(
      program.file,
      argumentsFor(shape, { mode: program.modes.step, repeat: 2, seconds: 0, threads }),
    )
  }
  measured['kanode in Node'] = JSON.parse(
    execFileSync(process.execPath, [itself, String(threads)], { encoding: 'utf8' }),
  )
  for (const [network, needed] of Object.entries(networks)) {
    const peers = Peers.start({ threads })
    if (peers === null) break
    try {
      await peers.ask('versions', { threads })
      if (freemem() < needed) throw new Error(`wants ${bytes(needed)} of free memory, there are ${bytes(freemem())}`)
      measured[network] = (await peers.ask('memory', requestFor(network, shape))).bytes
    } catch (error) {
      leftOut[network] = error.message
    } finally {
      await peers.close()
    }
  }
  print(shape, measured, leftOut)
  return { ...shape, measured, leftOut }
}

function print(shape, measured, leftOut) {
  const known = Object.entries(measured).filter(([, count]) => count !== null)
  const lines = known.map(([name, count]) => [name, bytes(count), times(measured.MLP && count / measured.MLP)])
  console.log(`\nMost memory of two training steps, ${titleOf(shape)}`)
  console.log(table([['', 'above the process before', 'of the MLP’s'], ...lines]))
  for (const [name, reason] of Object.entries(leftOut)) console.log(`  ${name} left out: ${reason}`)
}

/** Bytes that `fit` takes in this process, the arrays of the user included. */
async function inThisProcess(threads) {
  const before = processBytes(process.pid, 'VmRSS')
  const { layers, batch } = memoryShape
  const { x, y } = dataOf(memoryShape)
  const model = modelOf(memoryShape)
  const samples = { x: { data: x, shape: [batch, layers[0]] }, y: { data: y, shape: [batch, layers.at(-1)] } }
  await model.fit(samples, { optimizer: 'adam', steps: 2, threads })
  const peak = processBytes(process.pid, 'VmHWM')
  return peak === null ? null : peak - before
}

if (process.argv[1] === itself) console.log(JSON.stringify(await inThisProcess(Number(process.argv[2]))))
