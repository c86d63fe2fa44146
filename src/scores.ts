/**
 * How much each node and each edge has a part in the outputs.
 */

import { counted, inspectSymbol, table } from './text/table.js'

/** Nodes and sums that are shown of a layer. */
const shown = 20

/**
 * Parts in the outputs on given rows, from 0 to 1: the score of an output is 1, edges into the same node share its score
 * in proportion to the standard deviations of what they give, and the score of a node is the sum of those of the edges
 * that leave it, averaged over the outputs. With nodes that multiply scores may exceed 1, because a part in each factor
 * counts.
 */
export class Scores {
  /** `nodes[layer][node]`; the first layer are the inputs, the last the outputs. */
  readonly nodes: readonly (readonly number[])[]
  /**
   * `edges[layer][from][to]`, 0 for pruned edges. Where the next layer has nodes that multiply, `to` counts sums: those
   * of its sum nodes, then the factors of its products.
   */
  readonly edges: readonly (readonly (readonly number[])[])[]
  /** Names of the inputs, if they have some. */
  readonly inputNames: readonly string[] | null

  /** @internal */
  constructor(
    nodes: readonly (readonly number[])[],
    edges: readonly (readonly number[])[],
    names: Scores['inputNames'],
  ) {
    this.nodes = nodes
    this.edges = edges.map((scores, layer) => {
      const sums = scores.length / nodes[layer]!.length
      return nodes[layer]!.map((_, from) => scores.slice(from * sums, (from + 1) * sums))
    })
    this.inputNames = names
  }

  /** A table of the nodes, those of the highest scores first. */
  toString(): string {
    const layers = this.nodes.slice(0, -1).map((scores, layer) => {
      const name = (node: number) => (layer === 0 ? (this.inputNames?.[node] ?? `input ${node}`) : `node ${node}`)
      const order = scores.map((_, node) => node).sort((a, b) => scores[b]! - scores[a]! || a - b)
      const rows = order.slice(0, shown).map(node => [name(node), scores[node]!])
      const rest =
        order.length > shown ? `\n  … and ${counted(order.length - shown, 'more')}`.replace('mores', 'more') : ''
      return `${layer === 0 ? 'inputs' : `layer ${layer}`}\n${table(rows)}${rest}`
    })
    return `Scores\n${layers.join('\n')}`
  }

  /** What `console.log` shows. */
  [inspectSymbol](): string {
    return this.toString()
  }
}
