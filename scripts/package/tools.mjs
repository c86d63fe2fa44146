// The programs that only packaging needs: pinned in tools/, and installed there by whoever uses one first, so that a
// newcomer's `npm start` brings nothing but what builds and tests.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { ask, must, npm, root, toolIn } from '../processes.mjs'

const folder = path.join(root, 'tools')
const modules = path.join(folder, 'node_modules')
const environment = path.join(folder, '.venv')
/** Where a Python environment has its programs. */
export const pythonPrograms = path.join(environment, process.platform === 'win32' ? 'Scripts' : 'bin')

/** `[program, arguments]` that start the command `name` of an npm package in tools/. */
export async function packagingTool(packageName, name, ...args) {
  await once(modules, ['package-lock.json'], () =>
    must(...npm('ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'), { cwd: folder }),
  )
  return toolIn(modules, packageName, name, ...args)
}

/** The path of a program from a Python package in tools/. */
export async function pythonTool(name) {
  await once(environment, ['requirements.txt'], async () => {
    const python = ['python3', 'python'].find(command => ask(command, ['--version']).status === 0) ?? 'python3'
    await must(python, ['-m', 'venv', environment])
    const options = ['--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:', '--require-hashes']
    await must(path.join(pythonPrograms, 'pip'), ['install', ...options, '-r', path.join(folder, 'requirements.txt')])
  })
  return path.join(pythonPrograms, name)
}

/** Installs into `installed` unless that was last done from the same files of tools/. */
async function once(installed, files, install) {
  const stamp = path.join(installed, '.kanode')
  const wanted = files.map(name => readFileSync(path.join(folder, name), 'utf8')).join('')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  rmSync(installed, { recursive: true, force: true })
  await install()
  writeFileSync(stamp, wanted)
}
