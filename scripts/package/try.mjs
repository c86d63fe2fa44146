// Tries a built library on its platform: `try.mjs linux-x64-musl node:22-alpine` runs the tests of the API and of the
// binding on artifacts/ and dist/ as they were built elsewhere, and goes the round trip with them, here or in a
// container.
import { copyFileSync } from 'node:fs'
import path from 'node:path'
import { Failure, main, must, npm, root, tool } from '../processes.mjs'
import { artifacts } from './library.mjs'
import { targetOf } from './targets.mjs'

await main(async () => {
  const [platform, image] = process.argv.slice(2)
  if (platform === undefined) throw new Failure('name the platform to try, such as linux-x64-gnu')
  const { library } = targetOf(platform)
  if (image) {
    const mounted = ['--volume', `${root}:/kanode`, '--workdir', '/kanode']
    return must('docker', ['run', '--rm', ...mounted, image, 'node', 'scripts/package/try.mjs', platform])
  }

  await must(...npm('ci'))
  copyFileSync(path.join(artifacts, library), path.join(root, 'dist', library))
  await must(...tool('vitest', 'vitest', 'run', '__test__'))
  await must(...tool('ava', 'ava'))
  await must(...npm('run', 'round-trip', '--', '--library', path.join('artifacts', library)))
})
