// Fetches Fashion-MNIST with apt (30 MB, Debian or Ubuntu), without installing it: node bench/end-to-end/fetch-fashion.mjs
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { findImages } from './fashion.mjs'

const folder = fileURLToPath(new URL('data', import.meta.url))

function run(command, ...args) {
  const { status, error } = spawnSync(command, args, { cwd: folder, stdio: 'inherit' })
  if (status === 0) return
  console.error(error?.message ?? `${command} ${args.join(' ')} failed with status ${status}`)
  console.error('Without apt: give a folder with the four files of Fashion-MNIST as --data=folder instead.')
  process.exit(1)
}

mkdirSync(folder, { recursive: true })
run('apt-get', 'download', 'dataset-fashion-mnist')
run(
  'dpkg-deb',
  '-x',
  readdirSync(folder).find(name => name.endsWith('.deb')),
  '.',
)
console.log(`Fashion-MNIST is in ${findImages()}`)
