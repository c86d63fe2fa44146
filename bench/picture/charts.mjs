// From saved results to the groups of a chart.
import { time, times } from '../common/report.mjs'
import { titleOf } from '../common/shapes.mjs'

/** Shapes in the picture, and the rivals on each, where they were measured. */
export const pictured = {
  '2-5-1/1000': ['inkan', 'efficient-kan', 'FastKAN', 'pykan', 'MLP'],
  '21-64-64-24/64': ['inkan', 'efficient-kan', 'FastKAN', 'arkan', 'MLP'],
  '784-64-10/64': ['inkan', 'efficient-kan', 'FastKAN', 'MLP'],
  '784-64-10/1024': ['inkan', 'efficient-kan', 'FastKAN', 'MLP'],
  '64-64-64/4096': ['inkan', 'efficient-kan', 'FastKAN', 'MLP'],
  '1000-1000-1/100': ['inkan', 'efficient-kan', 'FastKAN', 'MLP'],
}

/** Variants of which the fastest counts, and the modes that are a step. */
const variants = { inkan: ['inkan', 'inkan compiled'], pykan: ['pykan', 'pykan speed()'], MLP: ['MLP'] }
const steps = ['step', 'fused']

/** kanode as it was measured: in Rust, or where that is missing through `fit`. */
const ours = ['kanode', 'kanode in Node']

/** Names that need a word more. */
const shown = { MLP: 'MLP, same layers', arkan: 'arkan, without Adam' }

/** Milliseconds of the fastest way in which a rival makes a step, or undefined. */
export function fastest(measured, name) {
  const all = (variants[name] ?? [name]).flatMap(variant => steps.map(mode => measured[mode]?.[variant]?.ms))
  const known = all.filter(ms => ms !== undefined)
  return known.length > 0 ? Math.min(...known) : undefined
}

/** One group of bars for each pictured shape that was measured. */
export function stepGroups(results) {
  return Object.entries(pictured).flatMap(([shape, rivals]) => {
    const result = results[shape]
    if (result === undefined) return []
    const own = ours.find(name => fastest(result.measured, name) !== undefined)
    const base = fastest(result.measured, own)
    const others = [...rivals, 'plain JavaScript']
      .map(name => ({ name, value: fastest(result.measured, name) }))
      .filter(({ value }) => value !== undefined)
      .sort((a, b) => a.value - b.value)
      .map(({ name, value }) => ({
        name: shown[name] ?? name,
        value,
        label: `${time(value)}  (${times(value / base)})`,
        ours: false,
      }))
    return [
      { title: titleOf(result), bars: [{ name: 'kanode', value: base, label: time(base), ours: true }, ...others] },
    ]
  })
}
