// Tries a built library on its platform: `try.mjs linux-x64-musl node:22-alpine` goes the whole round trip with
// artifacts/ and dist/ as they were built elsewhere, here or in a container.
import path from 'node:path'
import { Failure, main, must, npm, root } from '../processes.mjs'
import { targetOf } from './targets.mjs'

await main(async () => {
  const [platform, image] = process.argv.slice(2)
  if (platform === undefined) throw new Failure('name the platform to try, such as linux-x64-gnu')
  const library = path.join('artifacts', targetOf(platform).library)
  if (image) {
    const script = `npm ci && npm run round-trip -- --library ${library}`
    return must('docker', [
      'run',
      '--rm',
      '--volume',
      `${root}:/kanode`,
      '--workdir',
      '/kanode',
      image,
      'sh',
      '-c',
      script,
    ])
  }
  await must(...npm('ci'))
  await must(...npm('run', 'round-trip', '--', '--library', library))
})
