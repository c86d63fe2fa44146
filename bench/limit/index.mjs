// Measures what the kernels reach of the machine's peak: `npm run bench:limit [-- --seconds 0.5 --threads 1]`.
// Writes results/limit.json.
import { mkdirSync, writeFileSync } from 'node:fs'
import { arch, cpus, platform } from 'node:os'
import { ask, Failure, main, run } from '../../scripts/processes.mjs'
import { requireRust } from '../../scripts/rust.mjs'

const results = new URL('../results/limit.json', import.meta.url)

await main(async () => {
  const compiler = requireRust().split('\n')[0]
  const cargo = ['--release', '--locked', '-p', 'kanode-bench', '--bin', 'limit']
  if ((await run('cargo', ['build', ...cargo])) !== 0) return 1
  const options = process.argv.slice(2)
  const { status, stdout, stderr } = ask('cargo', ['run', '--quiet', ...cargo, '--', ...options])
  if (status !== 0) throw new Failure(stderr.trim())
  const measured = JSON.parse(stdout)
  const machine = `${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${cpus().length} threads, ${platform()} ${arch()}`
  console.log(`${machine}\n${compiler}, Node.js ${process.version}, ${measured.threads} thread(s)`)
  for (const { isa, f32, f64 } of measured.peakGigaMultiplyAdds)
    console.log(`peak of one core with ${isa}: ${f32.toFixed(1)} f32, ${f64.toFixed(1)} f64 multiply-adds a ns`)
  console.log(`copies ${measured.copiedGigabytesPerSecond.toFixed(1)} GB/s; medians of whole layer steps:`)
  for (const layer of measured.layers) {
    const shape = `${layer.inputs}→${layer.outputs}, ${layer.rows} rows, G ${layer.grid}, k ${layer.degree}`
    const share = `${(100 * layer.shareOfPeak).toFixed(0).padStart(3)} %`
    console.log(`${layer.isa.padEnd(7)}${layer.dtype}  ${shape.padEnd(34)}${layer.medianMs.toFixed(4)} ms  ${share}`)
  }
  const command = ['npm run bench:limit', ...(options.length > 0 ? ['--', ...options] : [])].join(' ')
  const date = new Date().toISOString().slice(0, 10)
  const versions = { compiler, node: process.version }
  mkdirSync(new URL('.', results), { recursive: true })
  writeFileSync(results, `${JSON.stringify({ command, date, machine, versions, ...measured }, null, 2)}\n`)
  return 0
})
