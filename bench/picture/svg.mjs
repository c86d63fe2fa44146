// Bar charts as SVG text: groups of horizontal bars on one logarithmic scale, readable on light and dark pages.

const width = 760
const margin = 4
const left = 190
const right = 150
const bar = 15
const gap = 5
const groupGap = 16
const heading = 20

/** Colours of the two kinds of bars, of text and of lines, for light pages and for dark ones. */
const style = `
    text { font: 12px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1f2328 }
    .title { font-size: 15px; font-weight: 600 }
    .group { font-weight: 600 }
    .note { fill: #59636e }
    .ours { fill: #0a7d5a }
    .other { fill: #9aa4af }
    .grid { stroke: #d1d9e0 }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc }
      .note { fill: #9198a1 }
      .ours { fill: #2fbf8f }
      .other { fill: #5b6570 }
      .grid { stroke: #3d444d }
    }`

const escaped = text =>
  String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** Positions on a logarithmic scale that spans whole powers of ten around the values. */
export function logScale(values, length) {
  const low = Math.floor(Math.log10(Math.min(...values)))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))))
  const at = value => ((Math.log10(value) - low) / (high - low)) * length
  return { at, ticks: Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)) }
}

/**
 * A chart.
 *
 * @param {object} chart
 * @param {string} chart.title
 * @param {readonly string[]} chart.notes lines below the title
 * @param {{ title: string, bars: { name: string, value: number, label: string, ours: boolean }[] }[]} chart.groups
 * @param {(value: number) => string} chart.tick what stands at a line of the scale
 */
export function barChart({ title, notes, groups, tick }) {
  const { at, ticks } = logScale(
    groups.flatMap(({ bars }) => bars.map(({ value }) => value)),
    width - left - right,
  )
  const top = 50 + 17 * notes.length
  const parts = []
  let y = top
  for (const group of groups) {
    y += groupGap
    parts.push(`<text class="group" x="${margin}" y="${y}">${escaped(group.title)}</text>`)
    y += heading - 12
    for (const { name, value, label, ours } of group.bars) {
      const length = Math.max(2, at(value)).toFixed(1)
      const middle = y + bar - 4
      parts.push(
        `<text x="${left - 8}" y="${middle}" text-anchor="end">${escaped(name)}</text>`,
        `<rect class="${ours ? 'ours' : 'other'}" x="${left}" y="${y}" width="${length}" height="${bar}" rx="2"/>`,
        `<text x="${(left + Number(length) + 6).toFixed(1)}" y="${middle}">${escaped(label)}</text>`,
      )
      y += bar + gap
    }
  }
  const lines = ticks.map(value => {
    const x = (left + at(value)).toFixed(1)
    return [
      `<line class="grid" x1="${x}" y1="${top}" x2="${x}" y2="${y}"/>`,
      `<text class="note" x="${x}" y="${top - 6}" text-anchor="middle">${escaped(tick(value))}</text>`,
    ].join('\n  ')
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y + 4}" role="img" aria-label="${escaped(title)}">`,
    `  <style>${style}\n  </style>`,
    `  <text class="title" x="${margin}" y="18">${escaped(title)}</text>`,
    ...notes.map((note, i) => `  <text class="note" x="${margin}" y="${37 + 17 * i}">${escaped(note)}</text>`),
    ...[...lines, ...parts].map(part => `  ${part}`),
    '</svg>\n',
  ].join('\n')
}
