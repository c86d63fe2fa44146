// Runs a list of checks to its end, even when one fails, and names those that did in the last line.
import { run, since } from './processes.mjs'

/** Runs checks `[name, command, args, env]`, one after the other; resolves with the exit status. */
export async function judge(checks) {
  const failed = []
  for (const [name, command, args, env] of checks) {
    const begun = performance.now()
    const status = await run(command, args, { env })
    console.log(`kanode: ${name} ${status === 0 ? 'passed' : 'FAILED'} in ${since(begun)}`)
    if (status !== 0) failed.push(name)
  }
  if (failed.length > 0) console.error(`kanode: failed: ${failed.join(', ')}`)
  return failed.length > 0 ? 1 : 0
}
