import { expect, test } from 'vitest'
import { fastest, stepGroups } from './charts.mjs'
import { barChart, logScale } from './svg.mjs'

const measured = {
  step: {
    kanode: { ms: 2 },
    'kanode in Node': { ms: 3 },
    inkan: { ms: 9 },
    'inkan compiled': { ms: 8 },
    MLP: { ms: 4 },
  },
  fused: { inkan: { ms: 7 }, MLP: { ms: 5 } },
}
const shape = { layers: [784, 64, 10], batch: 64, grid: 5 }

test('a rival is shown at the fastest of its variants', () => {
  expect(fastest(measured, 'inkan')).toBe(7)
  expect(fastest(measured, 'MLP')).toBe(4)
  expect(fastest(measured, 'arkan')).toBe(undefined)
})

test('bars are sorted, ours first, with milliseconds and ratios', () => {
  const [group] = stepGroups({ '784-64-10/64': { ...shape, measured } })
  expect(group.title).toBe('784 → 64 → 10, batch 64')
  expect(group.bars.map(({ name, label, ours }) => [name, label, ours])).toEqual([
    ['kanode', '2 ms', true],
    ['MLP, same layers', '4 ms  (2×)', false],
    ['inkan', '7 ms  (3.5×)', false],
  ])
})

test('without our program in Rust, kanode is what fit takes in Node.js', () => {
  const { kanode: _, ...step } = measured.step
  const [group] = stepGroups({ '784-64-10/64': { ...shape, measured: { step } } })
  expect(group.bars[0]).toMatchObject({ name: 'kanode', value: 3, ours: true })
})

test('nothing measured, nothing drawn', () => {
  expect(stepGroups({})).toEqual([])
})

test('a logarithmic scale spans whole powers of ten', () => {
  const { at, ticks } = logScale([0.02, 5], 300)
  expect(ticks).toEqual([0.01, 0.1, 1, 10].map(value => expect.closeTo(value, 12)))
  expect(at(0.01)).toBeCloseTo(0, 9)
  expect(at(0.1)).toBeCloseTo(100, 9)
  expect(at(10)).toBeCloseTo(300, 9)
})

test('every bar and label is in the picture, with text made safe', () => {
  const bars = [
    { name: 'a & b', value: 1, label: '1 ms', ours: true },
    { name: '<c>', value: 10, label: '10 ms', ours: false },
  ]
  const svg = barChart({ title: 'T', notes: ['N', 'O'], groups: [{ title: 'G', bars }], tick: String })
  expect(svg.match(/<rect /g)).toHaveLength(2)
  for (const text of ['a &amp; b', '&lt;c&gt;', '>N<', '>O<', '>1 ms<', '>10 ms<', 'prefers-color-scheme: dark']) {
    expect(svg).toContain(text)
  }
})
