// What is measured beside kanode, and on which shapes.
import { pairsOf, sameParameterLayers } from '../common/shapes.mjs'

/** Edges up to which pykan is measured: each of its edges costs it time in Python, forward and when it is made. */
const pykanEdges = 7_000

/** The networks of networks.py that are measured on a shape. */
export function networksFor({ layers }) {
  const edges = pairsOf(layers).reduce((sum, [inputs, outputs]) => sum + inputs * outputs, 0)
  const pykan = edges <= pykanEdges ? ['pykan', 'pykan speed()'] : []
  return ['inkan', 'inkan compiled', 'efficient-kan', 'FastKAN', ...pykan, 'MLP', 'MLP, same parameters']
}

/** What server.py builds for a network and a shape. */
export function requestFor(network, { layers, batch, grid }) {
  const its = network === 'MLP, same parameters' ? sameParameterLayers(layers, grid) : layers
  return { network, layers: its, batch, grid }
}

/**
 * Networks of a running server.py as rivals, on a device of PyTorch, and why others are left out.
 *
 * @param {import('./python.mjs').Peers} peers
 */
export async function pythonRivals(peers, shape, device = 'cpu') {
  const rivals = []
  const leftOut = {}
  for (const network of networksFor(shape)) {
    try {
      const { parameters } = await peers.ask('build', { ...requestFor(network, shape), device })
      const measure = async (mode, seconds) => (await peers.ask('time', { network, mode, seconds })).ms
      rivals.push({ name: network, parameters, measure })
    } catch (error) {
      leftOut[network] = error.message
    }
  }
  return { rivals, leftOut }
}

/** Whether arkan is measured on a shape: its own. */
export const isArkans = ({ layers }) => layers.join() === '21,64,64,24'
