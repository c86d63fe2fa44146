// The Python process that the peers run in, and whether there is one.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** The folder of the virtual environment. */
export const environment = fileURLToPath(new URL('.venv', import.meta.url))

/** Its interpreter. */
export const python = path.join(
  environment,
  ...(process.platform === 'win32' ? ['Scripts', 'python'] : ['bin', 'python']),
)

const server = fileURLToPath(new URL('server.py', import.meta.url))

/** A running server.py; ask it one thing at a time. */
export class Peers {
  #child
  #lines
  #ended

  /** Starts one, or returns null where the virtual environment is absent. It sees no GPU unless told to. */
  static start({ threads, gpu = false }) {
    return existsSync(python) ? new Peers(threads, gpu) : null
  }

  constructor(threads, gpu) {
    const env = { ...process.env, OMP_NUM_THREADS: String(threads), ...(gpu ? {} : { CUDA_VISIBLE_DEVICES: '' }) }
    // What libraries print there is no news; what goes wrong comes as an answer.
    this.#child = spawn(python, [server], { env, stdio: ['pipe', 'pipe', 'ignore'] })
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
    this.#ended = new Promise((resolve, reject) => {
      this.#child.on('error', reject)
      this.#child.on('close', resolve)
    })
    this.#ended.catch(() => {})
  }

  /** The answer to a request of server.py; throws what it calls an error. */
  async ask(op, request = {}) {
    this.#child.stdin.write(`${JSON.stringify({ op, ...request })}\n`)
    const { value, done } = await this.#lines.next()
    if (done) throw new Error(`Python ended before it answered '${op}' (out of memory?)`)
    const answer = JSON.parse(value)
    if (answer.error !== undefined) throw new Error(answer.error)
    return answer
  }

  async close() {
    this.#child.stdin.end()
    await this.#ended
  }
}
