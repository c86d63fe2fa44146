// After a release: installs this version of kanode from the public registry, as a user does, and runs the README's
// example there. The round trip does the same with its own registry.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { isProgram, main, root } from '../processes.mjs'
import { Consumer, requireDocumented } from './consumer.mjs'
import { readManifest } from './stage.mjs'

/** Installs a version as a consumer and expects what the README shows. */
export async function smoke(consumer, version) {
  const { seconds } = await patiently(() => consumer.install(`kanode@${version}`))
  for (const form of ['import', 'require']) requireDocumented(form, consumer.run(await consumer.prepare(form)))
  console.log(`kanode: ${version} installed in ${seconds.toFixed(1)} s, and the example prints what is documented`)
}

/** Repeats an installation while the registry does not know the version yet: what is published takes minutes to spread. */
export async function patiently(install, { tries = 30, pause = 10_000 } = {}) {
  for (let left = tries - 1; ; left--) {
    try {
      return install()
    } catch (error) {
      if (left === 0 || !/\b(E404|ETARGET)\b/.test(error.message)) throw error
      console.log('kanode: the registry does not know this version yet')
      await setTimeout(pause)
    }
  }
}

if (isProgram(import.meta.url)) {
  await main(async () => {
    const work = mkdtempSync(path.join(tmpdir(), 'kanode-smoke-'))
    try {
      await smoke(new Consumer(work), readManifest(root).version)
    } finally {
      rmSync(work, { recursive: true, force: true })
    }
  })
}
