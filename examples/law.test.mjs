import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

test("the example finds Kepler's third law", () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [fileURLToPath(new URL('law.mjs', import.meta.url))], {
    encoding: 'utf8',
  })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  // One percent of noise leaves the year known to a few thousandths.
  const year = Number(stdout.match(/The Earth's year: ([\d.]+)/)?.[1])
  expect(Math.abs(year - 1)).toBeLessThan(0.005)
  expect(stdout).toContain('\nT = a^(3/2)/sqrt(M)\n')
})
