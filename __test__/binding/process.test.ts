/** Processes and workers may end at any moment; a fit keeps a process alive until it is done, and no longer. */
import test from 'ava'
import { prelude, run } from './helpers.js'

const start = `for (let i = 0; i < 3; i++) make().fit(data, endless).catch(() => {})\n`

test.serial('an un-awaited fit keeps the process alive until it ends', async t => {
  const program = `${prelude}
    make().fit(data, { optimizer: 'adam', steps: 3000 }).then(history => console.log(history.stop))
  `
  t.like(await run(program), { code: 0, stdout: 'completed\n', stderr: '' })
})

test.serial('process.exit in the middle of fits ends at once with its code', async t => {
  for (const wait of [0, 5, 50]) {
    t.like(await run(`${prelude}${start}setTimeout(() => process.exit(7), ${wait})`), {
      code: 7,
      signal: null,
      stderr: '',
    })
  }
  t.like(await run(`${prelude}${start}process.exit(3)`), { code: 3, signal: null, stderr: '' })
})

test.serial('an error that nobody catches ends the process as any other does', async t => {
  const ended = await run(`${prelude}${start}setTimeout(() => { throw new Error('mine') }, 20)`)
  t.like(ended, { code: 1, signal: null })
  t.regex(ended.stderr, /Error: mine/)
})

test.serial('a signal ends the process in the middle of fits', async t => {
  t.like(await run(`${prelude}${start}setTimeout(() => process.kill(process.pid, 'SIGTERM'), 20)`), {
    signal: 'SIGTERM',
  })
})

test.serial('no promise is left for a fit whose failure is handled', async t => {
  const program = `${prelude}
    await Promise.allSettled([make().fit(data, { steps: -1 }), make().fit({ x: [[NaN, 1]], y: [1] })])
    const controller = new AbortController()
    const fits = [make().fit(data, { ...endless, signal: controller.signal })]
    for await (const step of make().fitSteps(data, endless)) break
    controller.abort()
    await Promise.allSettled(fits)
    console.log('done')
  `
  t.like(await run(program), { code: 0, stdout: 'done\n', stderr: '' })
})

const worker = (body: string) => `
  import { Worker } from 'node:worker_threads'
  const source = ${JSON.stringify(`
    const { parentPort } = require('node:worker_threads')
    const { Kan } = require('kanode')
    const x = Array.from({ length: 300 }, (_, i) => [Math.sin(i), Math.cos(1.7 * i)])
    const data = { x, y: x.map(([a, b]) => a * b) }
    const endless = { optimizer: 'adam', steps: 1e9 }
  `)}
  const start = body => new Worker(source + body, { eval: true, execArgv: [] })
  const ready = worker => new Promise(resolve => worker.once('message', resolve))
  ${body}
`

test.serial('a worker terminated in the middle of a fit does not crash the process', async t => {
  const callbacks = ['', 'onStep() {},', 'onStep() { const end = Date.now() + 15; while (Date.now() < end); },']
  const program = worker(`
    const callbacks = ${JSON.stringify(callbacks)}
    for (let i = 0; i < 20; i++) {
      const fit = 'new Kan({ layers: [2, 5, 1] }).fit(data, { ' + callbacks[i % 3] + ' ...endless }).catch(() => {})'
      const one = start(fit + '; parentPort.postMessage(1)')
      await ready(one)
      await new Promise(resolve => setTimeout(resolve, (i * 7) % 40))
      await one.terminate()
    }
    console.log('alive')
  `)
  t.like(await run(program), { code: 0, stdout: 'alive\n', stderr: '' })
})

test.serial('workers end by themselves, by process.exit, or with their fits still running elsewhere', async t => {
  const program = worker(`
    const exit = worker => new Promise(resolve => worker.once('exit', resolve))
    const fit = steps => 'new Kan({ layers: [2, 5, 1] }).fit(data, { optimizer: "adam", steps: ' + steps + ' }).catch(() => {});'
    const codes = await Promise.all([
      exit(start(fit(500))),
      exit(start(fit(1e9) + 'setTimeout(() => process.exit(3), 20)')),
      exit(start(fit(1e9) + 'new Kan({ layers: [1, 1] }).predict([[1]]).then(() => process.exit(4))')),
    ])
    console.log(codes.join(' '))
  `)
  t.like(await run(program), { code: 0, stdout: '0 3 4\n', stderr: '' })
})
