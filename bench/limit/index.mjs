// Measures what the kernels reach of the machine's peak, and what they gain from threads:
// `npm run bench:limit [-- --seconds 0.5 --threads 2 --save]`. `--save` writes results/limit.json.
import { mkdirSync, writeFileSync } from 'node:fs'
import { arch, cpus, platform } from 'node:os'
import { ask, Failure, main, run } from '../../scripts/processes.mjs'
import { requireRust } from '../../scripts/rust.mjs'

const results = new URL('../results/limit.json', import.meta.url)

await main(async () => {
  const compiler = requireRust().split('\n')[0]
  const cargo = ['--release', '--locked', '-p', 'kanode-bench', '--bin', 'limit']
  if ((await run('cargo', ['build', ...cargo])) !== 0) return 1
  const save = process.argv.includes('--save')
  const options = process.argv.slice(2).filter(option => option !== '--save')
  const { status, stdout, stderr } = ask('cargo', ['run', '--quiet', ...cargo, '--', ...options])
  if (status !== 0) throw new Failure(stderr.trim())
  const measured = JSON.parse(stdout)
  const machine = `${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${cpus().length} threads, ${platform()} ${arch()}`
  console.log(`${machine}\n${compiler}, Node.js ${process.version}`)
  for (const { isa, f32, f64 } of measured.peakGigaMultiplyAdds)
    console.log(`peak of one core with ${isa}: ${f32.toFixed(1)} f32, ${f64.toFixed(1)} f64 multiply-adds a ns`)
  console.log(
    `copies ${measured.copiedGigabytesPerSecond.toFixed(1)} GB/s; medians of whole layer steps on one thread:`,
  )
  const shapeOf = ({ inputs, outputs, rows, grid, degree }) =>
    `${inputs}→${outputs}, ${rows} rows, G ${grid}, k ${degree}`.padEnd(34)
  for (const layer of measured.layers) {
    const share = `${(100 * layer.shareOfPeak).toFixed(0).padStart(3)} %`
    console.log(`${layer.isa.padEnd(7)}${layer.dtype}  ${shapeOf(layer)}${layer.medianMs.toFixed(4)} ms  ${share}`)
  }
  console.log(`${measured.threads} threads beside one, in turns:`)
  for (const layer of measured.gains) {
    const [one, all] = [layer.oneThreadMs, layer.allThreadsMs].map(ms => ms.toFixed(4))
    console.log(`${shapeOf(layer)}${one} ms  ${all} ms  ${layer.gain.toFixed(2)}`)
  }
  if (!save) return 0
  const command = ['npm run bench:limit', ...(options.length > 0 ? ['--', ...options] : [])].join(' ')
  const date = new Date().toISOString().slice(0, 10)
  const versions = { compiler, node: process.version }
  mkdirSync(new URL('.', results), { recursive: true })
  writeFileSync(results, `${JSON.stringify({ command, date, machine, versions, ...measured }, null, 2)}\n`)
  return 0
})
