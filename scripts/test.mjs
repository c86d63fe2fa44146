// `npm test`: makes the clone ready, runs every test and ends with one line of counts for each runner. Names after
// `--` choose runners: `npm test -- vitest ava`. A runner that ran no test fails: it looked in the wrong place.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { closingLine, countAva, countCargo, countVitest, settle } from './counts.mjs'
import { Failure, main, run, tool } from './processes.mjs'
import { setup } from './setup.mjs'

const runners = {
  async cargo() {
    const { status, output } = await collect('cargo', ['test', '--workspace', '--no-fail-fast', '--locked'])
    return settle(countCargo(output), status)
  },
  async vitest() {
    const folder = mkdtempSync(path.join(tmpdir(), 'kanode-test-'))
    try {
      const file = path.join(folder, 'report.json')
      const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
      const status = await run(...tool('vitest', 'vitest', 'run', ...reporters))
      return settle(countVitest(existsSync(file) ? readFileSync(file, 'utf8') : ''), status)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
  async ava() {
    const { status, output } = await collect(...tool('ava', 'ava', '--tap'))
    return settle(countAva(output), status)
  },
}

async function collect(command, args) {
  let output = ''
  const status = await run(command, args, {
    onLine: line => {
      output += `${line}\n`
    },
  })
  return { status, output }
}

await main(async () => {
  const chosen = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(runners)
  const unknown = chosen.find(name => !Object.hasOwn(runners, name))
  if (unknown)
    throw new Failure(`no test runner is called "${unknown}": choose from ${Object.keys(runners).join(', ')}`)

  await setup()
  const results = []
  for (const name of chosen) {
    console.log(`\nkanode: running the ${name} tests …`)
    results.push([name, await runners[name]()])
  }
  console.log('')
  for (const [name, counts] of results) console.log(closingLine(name, counts))
  const empty = results.filter(([, { passed, failed }]) => passed + failed === 0).map(([name]) => name)
  for (const name of empty) console.error(`${name} ran no test`)
  return empty.length === 0 && results.every(([, { failed }]) => failed === 0) ? 0 : 1
})
