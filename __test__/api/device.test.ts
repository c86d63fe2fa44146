// What computes: the choice of a device, what it is told by, and what happens where there is none.
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Adapter, adapters, Kan } from 'kanode'
import { describe, expect, test } from 'vitest'
import { clusters, folder, rejected, surface } from './helpers.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** Whether a missing driver is a failure: where one was installed for the tests. */
const required = process.env.KANODE_REQUIRE_VULKAN === '1'
const software = adapters().find(({ type }) => type === 'cpu')
const target = process.env.CARGO_TARGET_DIR ?? 'target'
/** The driver of crates/gpu/examples, which `cargo test` builds. */
const driver = path.resolve(root, target, 'debug/examples/libfailing_driver.so')
const data = surface(60)
const model = () => new Kan({ layers: [2, 4, 1], dtype: 'f32' })

/** Runs a program with another environment; resolves with what it prints. */
async function run(code: string, env: Record<string, string>): Promise<string> {
  const options = { cwd: root, env: { ...process.env, ...env } }
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], options)
  return stdout
}

const failing = `
  import { adapters, Kan } from 'kanode'
  const model = new Kan({ layers: [2, 1], dtype: 'f32' })
  const data = { x: [[1, 2], [2, 1], [0, 1]], y: [1, 2, 3] }
  try {
    await model.fit(data, { device: 'gpu', steps: 2 })
  } catch (error) {
    console.log(error.code, error.details.kind, error.hint !== undefined, adapters().length)
  }
  await model.fit(data, { device: 'auto', optimizer: 'adam', steps: 2 })
  console.log(model.fitted)`

// Metal and DirectX have drivers that no variable hides.
const hidden = process.platform === 'linux'

test.skipIf(!hidden)('without a driver the GPU is an error with a code, and auto is the CPU', async () => {
  // A build without the part for graphics processors says that instead.
  expect(await run(failing, { VK_DRIVER_FILES: '/nowhere.json', KANODE_ADAPTER: '' })).toMatch(
    /^ERR_KAN_DEVICE (none|feature) true 0\ntrue\n$/,
  )
})

test('loading and training on the CPU touch no driver', async () => {
  const code = `
    import { readFileSync } from 'node:fs'
    import { Kan } from 'kanode'
    await new Kan({ layers: [2, 1] }).fit({ x: [[1, 2], [2, 1], [0, 1]], y: [1, 2, 3] }, { steps: 2 })
    console.log(/libvulkan/.test(readFileSync('/proc/self/maps', 'utf8')))`
  if (existsSync('/proc/self/maps')) expect(await run(code, {})).toBe('false\n')
})

test('words that are no device, f64 models and lm are refused', async () => {
  const of = (options: object) => rejected(model().fit(data, options))
  expect(await of({ device: 'tpu' })).toMatchObject({ code: 'ERR_KAN_OPTION' })
  expect(await of({ device: 'gpu', optimizer: 'lm' })).toMatchObject({ code: 'ERR_KAN_OPTION' })
  const f64 = new Kan({ layers: [2, 1] })
  expect(await rejected(f64.fit(data, { device: 'gpu' }))).toMatchObject({
    code: 'ERR_KAN_OPTION',
    hint: expect.stringContaining("dtype: 'f32'"),
  })
})

describe.skipIf(software === undefined && !required)('on llvmpipe (skipped: no Vulkan adapter)', () => {
  const { name = '' }: Partial<Adapter> = software ?? {}
  const icds = '/usr/share/vulkan/icd.d'
  const icd = existsSync(icds) ? readdirSync(icds).find(file => file.startsWith('lvp')) : undefined

  test('adapters are listed with type, driver and limits', () => {
    expect(software).toMatchObject({ type: 'cpu', api: 'vulkan', name: expect.stringContaining('llvmpipe') })
    expect(software?.driver).not.toBe('')
    expect(software?.limits.bindingBytes).toBeGreaterThanOrEqual(2 ** 27)
  })

  test.skipIf(icd === undefined && !required)('a software adapter is not taken unless it is named', async () => {
    const only = { VK_DRIVER_FILES: path.join(icds, icd ?? '') }
    expect(await run(failing, { ...only, KANODE_ADAPTER: '' })).toBe('ERR_KAN_DEVICE software true 1\ntrue\n')
    const code = failing.replace('console.log(model.fitted)', 'console.log(await model.predict([1, 2]))')
    expect(await run(code, { ...only, KANODE_ADAPTER: 'llvm' })).toMatch(/^\[ [\d.]+ \]\n$/)
    expect(await run(failing, { ...only, KANODE_ADAPTER: 'nobody' })).toBe('ERR_KAN_DEVICE name true 1\ntrue\n')
  })

  test('training and prediction agree with the CPU, whatever the optimiser', async () => {
    process.env.KANODE_ADAPTER = name
    for (const options of [
      { optimizer: 'adam', steps: 100 },
      { optimizer: { name: 'adamw', weightDecay: 5 }, epochs: 10, batchSize: 16, validation: 0.2 },
      { optimizer: 'lbfgs', steps: 10 },
      { optimizer: 'sgd', steps: 20 },
      { optimizer: 'adam', steps: 100, penalties: { l1: 1e-3, entropy: 1e-3, coefficient: 1e-4, smoothness: 1e-3 } },
      { optimizer: 'adamw', epochs: 5, batchSize: 16, regularization: { order: 2, lambda: 1e-5, ridge: 1e-4 } },
      { optimizer: 'adam', steps: 20, sam: 0.05 },
    ] as const) {
      const [cpu, gpu] = [model(), model()]
      const [here, there] = [await cpu.fit(data, options), await gpu.fit(data, { ...options, device: 'gpu' })]
      expect(there.records.length).toBe(here.records.length)
      const [a, b] = [here.records.at(-1)!, there.records.at(-1)!]
      expect(Math.abs(b.loss / a.loss - 1)).toBeLessThan(0.01)
      if (a.validationLoss !== undefined) expect(Math.abs(b.validationLoss! / a.validationLoss - 1)).toBeLessThan(0.01)
      const [ours, theirs] = [await gpu.predict(data.x), await gpu.predict(data.x, { device: 'gpu' })]
      const apart = ours.map(([value], row) => Math.abs(value! - theirs[row]![0]!))
      expect(Math.max(...apart)).toBeLessThan(1e-5)
      const metrics = await gpu.evaluate(data, { device: 'gpu' })
      expect(metrics.rmse).toBeCloseTo((await gpu.evaluate(data)).rmse, 5)
    }
  })

  test('a network that no adapter holds, or with formulas, is refused with what would do', async () => {
    process.env.KANODE_ADAPTER = name
    const wide = new Kan({ layers: [1, 20_000], dtype: 'f32' })
    const targets = Array.from({ length: 20_000 }, (_, i) => i)
    const many = { x: [[0], [1]], y: [targets, targets] }
    const options = { optimizer: 'adam', steps: 1 } as const
    expect(await rejected(wide.fit(many, { ...options, device: 'gpu' }))).toMatchObject({
      code: 'ERR_KAN_MACHINE',
      message: expect.stringMatching(/\d+ would fit/),
      hint: expect.stringContaining("device: 'cpu'"),
    })
    const splines = model()
    await splines.fit(data, { ...options, device: 'gpu' })
    const fixed = splines.fix({ layer: 0, from: 0, to: 0 }, 'sin')
    expect(await rejected(fixed.fit(data, { ...options, device: 'gpu' }))).toMatchObject({
      code: 'ERR_KAN_MACHINE',
      message: expect.stringContaining("device 'cpu'"),
    })
    await fixed.fit(data, { ...options, device: 'auto' })
    expect((await fixed.predict(data.x, { device: 'auto' })).length).toBe(60)
  })

  test('classes, the same bits from run to run, and going on where a fit ended', async () => {
    process.env.KANODE_ADAPTER = name
    const fit = async (parts: number[]) => {
      const model = new Kan({ layers: [2, 5, 3], dtype: 'f32' })
      const options = { loss: 'crossEntropy', optimizer: 'adam', batchSize: 16, device: 'gpu' } as const
      for (const epochs of parts) await model.fit(clusters(60), { ...options, epochs, resume: model.fitted })
      return model.parameters
    }
    const once = await fit([6])
    expect(await fit([6])).toEqual(once)
    expect(await fit([2, 4])).toEqual(once)
  })

  test('two models train on one device at once as each alone', async () => {
    process.env.KANODE_ADAPTER = name
    const fit = async (seed: number) => {
      const model = new Kan({ layers: [2, 4, 1], dtype: 'f32', seed })
      await model.fit(data, { optimizer: 'adam', steps: 40, device: 'gpu' })
      return model.parameters
    }
    const alone = [await fit(1), await fit(2)]
    expect(await Promise.all([fit(1), fit(2)])).toEqual(alone)
  })

  test('a fit can be aborted, and a process can end in the middle of one', async () => {
    process.env.KANODE_ADAPTER = name
    const controller = new AbortController()
    const onStep = () => controller.abort()
    const options = { optimizer: 'adam', steps: 1_000_000, device: 'gpu', signal: controller.signal, onStep } as const
    expect(await rejected(model().fit(data, options))).toMatchObject({ code: 'ABORT_ERR' })
    const code = `
      import { Kan } from 'kanode'
      const data = { x: [[1, 2], [2, 1], [0, 1]], y: [1, 2, 3] }
      const onStep = () => { console.log('left'); process.exit(0) }
      await new Kan({ layers: [2, 1], dtype: 'f32' }).fit(data, { optimizer: 'adam', steps: 1e6, device: 'gpu', onStep })`
    expect(await run(code, { KANODE_ADAPTER: name })).toBe('left\n')
  })

  test.skipIf((icd === undefined || !existsSync(driver)) && !required)(
    'a device that is lost in a fit is an error with a code, and the fit goes on with the CPU',
    async () => {
      const file = path.join(folder(), 'failing.json')
      const described = { library_path: driver, api_version: '1.3.0' }
      writeFileSync(file, JSON.stringify({ file_format_version: '1.0.0', ICD: described }))
      const { library_path } = JSON.parse(readFileSync(path.join(icds, icd ?? ''), 'utf8')).ICD
      const code = `
        import { Kan } from 'kanode'
        const x = Array.from({ length: 64 }, (_, i) => [Math.sin(i), Math.cos(2 * i)])
        const data = { x, y: x.map(([a, b]) => a * b) }
        const model = new Kan({ layers: [2, 5, 1], dtype: 'f32' })
        const checkpoint = { path: ${JSON.stringify(path.join(folder(), 'model.kan'))}, everySteps: 32 }
        try {
          await model.fit(data, { optimizer: 'adam', steps: 5000, device: 'gpu', ...WITH })
        } catch (error) {
          console.log(error.code, error.details.kind, model.fitted)
        }
        const { records } = await model.fit(data, { optimizer: 'adam', steps: 10, resume: true })
        console.log(records[0].step > AFTER)`
      const env = {
        KANODE_ADAPTER: name,
        VK_DRIVER_FILES: file,
        KANODE_TEST_DRIVER: library_path,
        KANODE_TEST_SUBMISSIONS: '300',
        KANODE_TEST_RESULT: '-4',
      }
      for (const [options, step] of [
        ['{ checkpoint }', '32'],
        ['{}', '1'],
      ] as const) {
        const program = code.replace('WITH', options).replace('AFTER', step)
        expect(await run(program, env)).toBe('ERR_KAN_DEVICE lost true\ntrue\n')
      }
    },
  )

  test.skipIf(!existsSync('/proc/self/maps'))(
    'auto looks for a GPU where the optimiser left open is adam',
    async () => {
      const code = `
      import { readFileSync } from 'node:fs'
      import { Kan } from 'kanode'
      const x = Array.from({ length: 60 }, (_, i) => [Math.sin(i), Math.cos(2 * i)])
      const data = { x, y: x.map((_, i) => 'abc'[i % 3]) }
      const model = new Kan({ layers: [2, 3], dtype: 'f32' })
      const { optimizer } = await model.fit(data, { device: 'auto', epochs: 1 })
      console.log(optimizer, /libvulkan/.test(readFileSync('/proc/self/maps', 'utf8')))`
      expect(await run(code, { KANODE_ADAPTER: name })).toBe('adam true\n')
    },
  )

  test('the doctor tries the device', async () => {
    const doctor = path.join(root, 'dist', 'cli.js')
    const { stdout } = await promisify(execFile)(process.execPath, [doctor, 'doctor'], {
      env: { ...process.env, KANODE_ADAPTER: name },
    })
    expect(stdout).toMatch(/adapter +llvmpipe.*\(cpu, vulkan/)
    expect(stdout).toMatch(/GPU +tried, agrees with the processor/)
  })
})

test.skipIf(!hidden)('the doctor says what there is, and fails for no machine that has no GPU', async () => {
  const doctor = path.join(root, 'dist', 'cli.js')
  const env = { ...process.env, VK_DRIVER_FILES: '/nowhere.json' }
  const { stdout } = await promisify(execFile)(process.execPath, [doctor, 'doctor'], { env })
  for (const word of ['kanode', 'platform', 'cores', 'processor', 'adapters']) expect(stdout).toContain(word)
  expect(stdout).toMatch(/GPU +not tried/)
  const usage = promisify(execFile)(process.execPath, [doctor, 'heal'])
  await expect(usage).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('usage: kanode doctor') })
})
