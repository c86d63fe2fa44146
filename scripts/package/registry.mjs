// A registry of npm packages for a trial: verdaccio, on a loopback port, with nothing behind it, gone afterwards.
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { Failure, must, npm } from '../processes.mjs'
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

/** Publishes a packed package to the registry with this address. */
export async function publish(archive, registry) {
  const token = `--${registry.slice('http:'.length)}:_authToken=anyone`
  await must(...npm('publish', archive, '--access=public', '--loglevel=error', '--registry', registry, token))
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
