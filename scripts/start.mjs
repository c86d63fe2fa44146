// `npm start`: makes the clone ready, then runs the first example. Arguments after `--` go to the example.
import { main, run } from './processes.mjs'
import { setup } from './setup.mjs'

await main(async () => {
  await setup()
  return run(process.execPath, ['examples/cars.mjs', ...process.argv.slice(2)])
})
