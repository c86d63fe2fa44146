import { expect, test } from 'vitest'
import { Peers } from '../peers/python.mjs'
import { startPeers, timePeers } from './peers.mjs'

const shape = { layers: [2, 5, 1], batch: 20, grid: 5 }
const installed = Peers.start({ threads: 1 })

test.skipIf(installed === null)(
  'networks of PyTorch are put on a device and timed, or left out with a reason',
  async () => {
    try {
      const { steps, leftOut } = await timePeers(installed, shape, { seconds: 0.01, device: 'cpu' })
      expect(Object.keys(steps)).toEqual(expect.arrayContaining(['efficient-kan', 'FastKAN', 'MLP']))
      for (const ms of Object.values(steps)) expect(ms).toBeGreaterThan(0)
      for (const reason of Object.values(leftOut)) expect(reason).not.toBe('')
      const nowhere = await timePeers(installed, shape, { seconds: 0.01, device: 'nowhere' })
      expect(nowhere.steps).toEqual({})
      expect(nowhere.leftOut['efficient-kan']).toContain('nowhere')
    } finally {
      await installed.close()
    }
  },
  120_000,
)

test('without CUDA there is a reason instead of peers', async () => {
  const { peers, reason, facts } = await startPeers({ threads: 1 })
  if (peers === undefined) {
    expect(reason).toMatch(/sees no CUDA device$|^node bench\/peers\/setup.mjs installs/)
  } else {
    expect(facts.cuda).not.toBe('')
    await peers.close()
  }
}, 120_000)
