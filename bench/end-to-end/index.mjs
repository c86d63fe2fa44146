// Whole tasks, kanode beside PyTorch and pykan: `npm run bench:end-to-end [-- fashion hello --data=folder --save]`.
import { main, readArguments } from '../common/arguments.mjs'
import { announce, cores, save } from '../common/report.mjs'
import { Peers } from '../peers/python.mjs'
import { run as fashion, findImages } from './fashion.mjs'
import { run as hello } from './hello.mjs'

await main(async () => {
  const options = readArguments(process.argv.slice(2), {
    usage: 'npm run bench:end-to-end',
    names: ['fashion', 'hello'],
    defaults: { threads: cores(), rounds: 3, epochs: 10 },
    texts: ['data'],
  })
  const { names, threads, rounds, epochs } = options
  const peers = Peers.start({ threads })
  const facts = announce(peers === null ? {} : await peers.ask('versions', { threads }), { threads })
  if (peers === null) console.log('No Python peers: node bench/peers/setup.mjs installs them (6 GB, two minutes).')
  const keep = (name, result) => {
    const command = `npm run bench:end-to-end -- ${name}`
    if (options.save) save('end-to-end', { [name]: { ...facts, command, ...result } })
  }
  try {
    if (names.includes('fashion')) {
      const folder = findImages(options.data)
      if (folder !== null) keep('fashion', await fashion({ folder, peers, threads, epochs }))
      else console.log('\nNo Fashion-MNIST: node bench/end-to-end/fetch-fashion.mjs fetches it, or give --data=folder.')
    }
    if (names.includes('hello')) keep('hello', await hello({ peers, rounds }))
  } finally {
    await peers?.close()
  }
})
