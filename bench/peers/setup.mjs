// Makes the virtual environment of the peers, bench/peers/.venv: `node bench/peers/setup.mjs [python]`.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { environment, python } from './python.mjs'

const here = name => fileURLToPath(new URL(name, import.meta.url))
const interpreter = process.argv[2] ?? (process.platform === 'win32' ? 'python' : 'python3')

console.log(`Making ${environment}: PyTorch brings its GPU libraries along, so 6 GB and about two minutes.`)
for (const [command, ...args] of [
  [interpreter, '-m', 'venv', environment],
  [python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', here('requirements.txt')],
]) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' })
  if (status !== 0) {
    console.error(error?.message ?? `${command} ${args.join(' ')} failed with status ${status}`)
    process.exit(1)
  }
}
