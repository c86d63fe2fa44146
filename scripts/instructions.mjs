// Counts the instructions of a step and compares them with the bounds in instructions.json: slower kernels are seen
// without a clock, on any machine. `--save` writes down what was found. Left out, and said so, without valgrind.
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { ask, Failure, main, root, run } from './processes.mjs'
import { requireRust } from './rust.mjs'

const bounds = new URL('instructions.json', import.meta.url)
/** What the counts may exceed their bounds by: compilers differ. */
const slack = 1.1
/** An instruction set that valgrind knows and most machines have. */
const isa = 'avx2'
const program = path.join(process.env.CARGO_TARGET_DIR ?? path.join(root, 'target'), 'release', 'count')

/** Instructions of a whole run with so many steps. */
function instructions(task, steps) {
  const callgrind = ['--tool=callgrind', '--callgrind-out-file=/dev/null']
  const { status, stderr } = ask('valgrind', [...callgrind, program, ...task.split(' '), '--steps', `${steps}`])
  const found = /Collected : (\d+)/.exec(stderr)
  if (status !== 0 || found === null) throw new Failure(stderr.trim())
  return Number(found[1])
}

await main(async () => {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return console.log('kanode: instructions left out: their bounds are for x86-64 on Linux')
  if (ask('valgrind', ['--version']).status !== 0)
    return console.log('kanode: instructions left out: there is no valgrind')
  requireRust()
  if ((await run('cargo', ['build', '--release', '--locked', '-p', 'kanode-bench', '--bin', 'count'])) !== 0) return 1
  process.env.KANODE_ISA = isa
  const known = JSON.parse(readFileSync(bounds, 'utf8'))
  const found = {}
  let passed = true
  for (const [task, bound] of Object.entries(known)) {
    // The first step also makes room for the others.
    found[task] = Math.round((instructions(task, 5) - instructions(task, 1)) / 4)
    const good = found[task] <= slack * bound
    passed &&= good
    console.log(`kanode: ${task}: ${found[task]} instructions a step, bound ${bound}${good ? '' : ', TOO MANY'}`)
  }
  if (process.argv.includes('--save')) writeFileSync(bounds, `${JSON.stringify(found, null, 2)}\n`)
  return passed || process.argv.includes('--save') ? 0 : 1
})
