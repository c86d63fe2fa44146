/** The event loop stays free during a fit: its delay is under 20 ms in 99 of 100 turns. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import test from 'ava'
import { Kan } from 'kanode'
import { pause, surface } from './helpers.js'

const data = surface(5000)

for (const optimizer of ['lbfgs', 'adam'] as const) {
  test.serial(`during a fit with ${optimizer}`, async t => {
    const model = new Kan({ layers: [2, 32, 32, 1], grid: 10 })
    const delay = monitorEventLoopDelay({ resolution: 1 })
    const controller = new AbortController()
    delay.enable()
    const fit = model.fit(data, { optimizer, steps: 1e9, signal: controller.signal, onStep() {} })
    await pause(2500)
    delay.disable()
    controller.abort()
    await t.throwsAsync(fit, { name: 'AbortError' })
    t.true(delay.count > 100)
    t.true(delay.percentile(99) < 20e6, `99 % are below ${(delay.percentile(99) / 1e6).toFixed(1)} ms`)
  })
}
