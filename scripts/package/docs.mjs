// `npm run docs`: the API reference, from the comments in src/, into docs/api. A warning is an error.
import { main, must } from '../processes.mjs'
import { setup } from '../setup.mjs'
import { packagingTool } from './tools.mjs'

await main(async () => {
  await setup()
  await must(...(await packagingTool('typedoc', 'typedoc', '--options', 'tools/typedoc.json')))
})
