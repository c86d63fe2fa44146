// After a release: installs this version of kanode from the public registry, as a user does, and runs the README's
// example there.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { main, root } from '../processes.mjs'
import { Consumer, requireDocumented } from './consumer.mjs'
import { readManifest } from './stage.mjs'

await main(async () => {
  const work = mkdtempSync(path.join(tmpdir(), 'kanode-smoke-'))
  try {
    const consumer = new Consumer(work)
    const { seconds } = consumer.install(readManifest(root).version)
    for (const form of ['import', 'require']) requireDocumented(form, consumer.run(await consumer.prepare(form)))
    console.log(`kanode: installed in ${seconds}, and the example prints what is documented`)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
})
