import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Formula } from 'kanode'
import { expect, test } from 'vitest'

test('the cars example beats both baselines and saves its model', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'kanode-cars-'))
  try {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [fileURLToPath(new URL('cars.mjs', import.meta.url))],
      { encoding: 'utf8', env: { ...process.env, KANODE_EXAMPLES_OUT: folder } },
    )
    expect(stderr).toBe('')
    expect(status).toBe(0)
    const error = name => Number(stdout.match(new RegExp(`^ {2}${name} +([\\d.]+)$`, 'm'))?.[1])
    expect(error('KAN')).toBeLessThan(error('ordinary least squares'))
    expect(error('ordinary least squares')).toBeLessThan(error('mean of the training rows'))
    // The formula, how far it is from the network, and the table of shorter and longer ones.
    const [, formula] = stdout.match(/^ {2}mpg = (.+)$/m)
    expect(Formula.parse(formula).variables.length).toBeGreaterThan(1)
    expect(error('the formula below')).toBeLessThan(error('ordinary least squares'))
    const [, rms, largest] = stdout.match(/differs by ([\d.]+) mpg[\s\S]*and by ([\d.]+) at most/).map(Number)
    expect(rms).toBeLessThan(largest)
    expect(stdout).toMatch(/^ +length +error .*from network +bits +formula$/m)
    expect(existsSync(path.join(folder, 'cars.kan'))).toBe(true)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
