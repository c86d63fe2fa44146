// A registry of npm packages for a trial: verdaccio, on a loopback port, with nothing behind it, gone afterwards.
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { ask, Failure, must, npm } from '../processes.mjs'
import { readManifest } from './stage.mjs'
import { packagingTool } from './tools.mjs'

/** Runs `use` with the address of a registry that keeps its packages in the new folder `folder`. */
export async function withRegistry(folder, use) {
  mkdirSync(folder)
  const config = path.join(folder, 'config.yaml')
  writeFileSync(config, configuration(folder))
  const listen = `127.0.0.1:${await freePort()}`
  const [command, args] = await packagingTool('verdaccio', 'verdaccio', '--config', config, '--listen', listen)
  const server = spawn(command, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise(resolve => server.once('close', resolve))
  try {
    const address = `http://${listen}/`
    await answering(address, server)
    return await use(address)
  } finally {
    server.kill()
    await ended
  }
}

/**
 * Publishes the package in `folder` unless its version is published already, so that a release that failed half-way
 * can be repeated. Without `registry` it goes to the public one, whose credentials the workflow has.
 */
export async function publish(folder, { registry, provenance = false } = {}) {
  const { name, version } = readManifest(folder)
  const to = registry === undefined ? [] : ['--registry', registry]
  if (ask(...npm('view', `${name}@${version}`, 'version', ...to)).stdout.trim() === version) {
    console.log(`kanode: ${name} ${version} is published already`)
    return
  }
  const token = registry === undefined ? [] : [`--${registry.slice('http:'.length)}:_authToken=anyone`]
  const options = ['--access=public', '--loglevel=error', ...(provenance ? ['--provenance'] : []), ...to, ...token]
  await must(...npm('publish', ...options), { cwd: folder })
}

const configuration = folder => `
storage: ${path.join(folder, 'storage')}
auth: {}
uplinks: {}
packages:
  '**': { access: $all, publish: $anonymous }
log: { type: stdout, level: error }
`

/** A port that nobody listens on. */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}

/** Resolves when a server answers; rejects when it ends before. */
async function answering(address, server) {
  server.stdout.pipe(process.stdout)
  for (let tries = 0; tries < 300; tries++) {
    if (server.exitCode !== null) break
    if (
      await fetch(address).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  throw new Failure('the registry did not start')
}
