// Every benchmark that takes arguments starts: what it imports is there.
import path from 'node:path'
import { expect, test } from 'vitest'
import { ask, root } from '../scripts/processes.mjs'

test.each(['end-to-end', 'gpu', 'peers', 'pure-js'])('%s tells its usage', name => {
  const { status, stderr } = ask(process.execPath, [path.join(root, 'bench', name, 'index.mjs'), '--nonsense'])
  expect(stderr).toMatch(/^Unknown option '--nonsense'.*\nusage: npm run bench:/)
  expect(status).not.toBe(0)
})
