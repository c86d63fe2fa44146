// The networks of bench/peers in PyTorch on CUDA, beside kanode on the graphics processor.
import { Peers } from '../peers/python.mjs'
import { pythonRivals } from '../peers/rivals.mjs'

/** A running server.py that computes on CUDA; else why there is none. */
export async function startPeers({ threads }) {
  const peers = Peers.start({ threads, gpu: true })
  if (peers === null) return { reason: 'node bench/peers/setup.mjs installs PyTorch (6 GB, two minutes)' }
  const { PyTorch } = await peers.ask('versions', { threads })
  const { cuda, name } = await peers.ask('device')
  if (cuda) return { peers, facts: { PyTorch, cuda: name } }
  await peers.close()
  return { reason: `PyTorch ${PyTorch} sees no CUDA device` }
}

/** Median milliseconds of a step of Adam of each network on a device of PyTorch, and why others are left out. */
export async function timePeers(peers, shape, { seconds, device = 'cuda' }) {
  const { rivals, leftOut } = await pythonRivals(peers, shape, device)
  const steps = {}
  for (const { name, measure } of rivals) steps[name] = await measure('step', seconds)
  await peers.ask('drop')
  return { steps, leftOut }
}
