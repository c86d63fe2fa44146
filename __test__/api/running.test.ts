/** A running fit over a native model that is made up, so that what never happens by itself can be made to happen. */
import { KanError, type TrainingProgress, type TrainingRecord } from 'kanode'
import { describe, expect, test } from 'vitest'
import type { NativeModelHandle, NativeOutcome } from '../../src/native.js'
import { type Job, start } from '../../src/running.js'
import { stream } from '../../src/stream.js'
import { rejected } from './helpers.js'

const record = (step: number) => ({ step, epoch: step, loss: 1 / step, evaluations: step, seconds: step })
const report = (steps: number) =>
  JSON.stringify({ history: Array.from({ length: steps }, (_, i) => record(i + 1)), steps, stop: 'completed' })

/** A model whose fit is told what to do, and a job for it. */
function made(more: Partial<Job> = {}) {
  const { promise, resolve, reject } = withResolvers<NativeOutcome>()
  let [cancelled, send] = [0, (_: string) => {}]
  const model = {
    fit(_data: unknown, _validation: unknown, _options: string, onEvent: (json: string) => void) {
      send = onEvent
      return promise
    },
    cancel() {
      cancelled += 1
    },
  }
  const job: Job = {
    model: model as unknown as NativeModelHandle,
    data: { x: new Float64Array(0), y: new Float64Array(0), rows: 0 },
    validation: null,
    options: '{}',
    lossName: 'mse',
    signal: undefined,
    push: undefined,
    onStep: undefined,
    onProgress: undefined,
    translate: error => error,
    ...more,
  }
  const { done } = start(job)
  done.catch(() => {})
  return {
    done,
    resolve,
    reject,
    cancels: () => cancelled,
    send: (steps: number[], progress: unknown = null) => send(JSON.stringify({ records: steps.map(record), progress })),
  }
}

function withResolvers<Value>() {
  let resolve: (value: Value) => void = () => {}
  let reject: (error: unknown) => void = () => {}
  const promise = new Promise<Value>((yes, no) => {
    ;[resolve, reject] = [yes, no]
  })
  return { promise, resolve, reject }
}

const turn = () => new Promise(resolve => setTimeout(resolve))

describe('what comes of it', () => {
  test('whatever native code throws is an error of the package', async () => {
    const fit = made()
    fit.reject(new Error('thread gone'))
    expect(await rejected(fit.done)).toMatchObject({ code: 'ERR_KAN_INTERNAL' })
    const odd = made()
    odd.resolve({ ok: true, report: '{' })
    expect(await rejected(odd.done)).toMatchObject({ code: 'ERR_KAN_INTERNAL' })
    const hollow = made()
    hollow.resolve({ ok: true, report: '{}' })
    expect(await rejected(hollow.done)).toMatchObject({ code: 'ERR_KAN_INTERNAL' })
    const silent = made()
    silent.resolve({ ok: true })
    expect(await rejected(silent.done)).toMatchObject({ code: 'ERR_KAN_INTERNAL' })
  })

  test.each([
    ['throws', undefined],
    ['fails', { ok: false, error: '{"code":"ERR_KAN_DIVERGED","message":"no"}', report: report(3) }],
    ['succeeds', { ok: true, report: report(3) }],
  ])('an abort wins when native code %s', async (_, outcome) => {
    const controller = new AbortController()
    const fit = made({ signal: controller.signal })
    controller.abort('enough')
    if (outcome === undefined) fit.reject(new Error('thread gone'))
    else fit.resolve(outcome)
    const error = await rejected(fit.done)
    expect(error).toMatchObject({ name: 'AbortError', cause: 'enough' })
    const { history } = error.details as { history?: { steps: number } }
    expect(history?.steps).toBe(outcome === undefined ? undefined : 3)
    expect(fit.cancels()).toBe(1)
  })

  test('an abort wins over a callback that fails because of it, and does not wait for one that hangs', async () => {
    const controller = new AbortController()
    const { signal } = controller
    const fit = made({
      signal,
      onStep() {
        controller.abort()
        signal.throwIfAborted()
      },
    })
    fit.send([1])
    fit.resolve({ ok: true, report: report(1) })
    expect((await rejected(fit.done)).name).toBe('AbortError')
    const hanging = new AbortController()
    const other = made({ signal: hanging.signal, onStep: () => new Promise(() => {}) })
    other.send([1])
    hanging.abort()
    other.resolve({ ok: true, report: report(1) })
    expect((await rejected(other.done)).name).toBe('AbortError')
  })

  test('a callback that failed before an abort is what ended it', async () => {
    const controller = new AbortController()
    const mine = new Error('mine')
    const fit = made({ signal: controller.signal, onStep: () => Promise.reject(mine) })
    fit.send([1])
    await turn()
    controller.abort()
    fit.resolve({ ok: true, report: report(1) })
    await expect(fit.done).rejects.toBe(mine)
  })
})

describe('callbacks', () => {
  test('are not called again while a promise is pending; then they get the newest record', async () => {
    const seen: number[] = []
    const calls: (() => void)[] = []
    const onStep = ({ step }: TrainingRecord) => {
      seen.push(step)
      return new Promise<void>(resolve => calls.push(resolve))
    }
    const settle = async () => {
      for (const resolve of calls.splice(0)) resolve()
      await turn()
    }
    const pushed: number[] = []
    const fit = made({ onStep, push: ({ step }) => void pushed.push(step) })
    fit.send([1, 2, 3])
    fit.send([4, 5])
    await turn()
    expect(seen).toEqual([1])
    await settle()
    expect(seen).toEqual([1, 5])
    fit.send([6])
    fit.resolve({ ok: true, report: report(9) })
    await turn()
    expect(seen).toEqual([1, 5])
    await settle()
    expect(seen).toEqual([1, 5, 9])
    await settle()
    expect((await fit.done).steps).toBe(9)
    expect(pushed).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  test('may return a thenable that settles at once', async () => {
    const seen: number[] = []
    const onStep = ({ step }: TrainingRecord) => ({
      // biome-ignore lint/suspicious/noThenProperty: a thenable is what this is about
      then(resolve: () => void) {
        seen.push(step)
        resolve()
      },
    })
    const fit = made({ onStep })
    fit.send([1])
    await turn()
    fit.send([2])
    fit.resolve({ ok: true, report: report(2) })
    await fit.done
    expect(seen).toEqual([1, 2])
  })

  test('hear nothing after a failure, an abort or the end', async () => {
    let calls = 0
    const failed = made({
      onStep() {
        calls += 1
        throw new Error('mine')
      },
    })
    failed.send([1, 2])
    failed.send([3])
    failed.resolve({ ok: true, report: report(4) })
    await expect(failed.done).rejects.toThrow('mine')
    expect([calls, failed.cancels()]).toEqual([1, 1])
    const done = made({ onStep: () => calls++ })
    done.resolve({ ok: true, report: report(1) })
    await done.done
    done.send([1])
    expect(calls).toBe(2)
  })

  test('for progress get the latest by the same rules', async () => {
    const seen: TrainingProgress[] = []
    const progress: TrainingProgress = { phase: 'pass', step: 3, epoch: 0, batch: 3, batches: 9, loss: 0.5, seconds: 1 }
    const fit = made({ onProgress: one => void seen.push(one) })
    fit.send([], progress)
    fit.send([1])
    fit.resolve({ ok: true, report: report(1) })
    await fit.done
    expect(seen).toEqual([progress])
    const failing = made({ onProgress: () => Promise.reject(new Error('mine')) })
    failing.send([], progress)
    await turn()
    expect(failing.cancels()).toBe(1)
    failing.resolve({ ok: true, report: report(1) })
    await expect(failing.done).rejects.toThrow('mine')
  })
})

describe('a stream', () => {
  const numbers = (count: number, from = 1) => Array.from({ length: count }, (_, i) => from + i)

  async function seen(steps: AsyncIterable<number>): Promise<number[]> {
    const all: number[] = []
    for await (const step of steps) all.push(step)
    return all
  }

  test('holds the newest 256 values for a loop that is slow, and yields them after the end', async () => {
    const { promise, resolve } = withResolvers<string>()
    let push = (_: number) => {}
    const steps = stream<number, string>(to => {
      push = to
      return { done: promise, cancel() {} }
    })
    const first = steps.next()
    push(1)
    expect((await first).value).toBe(1)
    for (const step of numbers(1000, 2)) push(step)
    expect((await steps.next()).value).toBe(746)
    resolve('end')
    expect(await seen(steps)).toEqual(numbers(255, 747))
  })
})

test('records that no event brought come at the end, the newest 256 of them', async () => {
  const [steps, pushed]: [number[], number[]] = [[], []]
  const fit = made({ onStep: ({ step }) => steps.push(step), push: ({ step }) => pushed.push(step) })
  fit.send([1, 2])
  fit.resolve({ ok: true, report: report(1000) })
  await fit.done
  expect(steps).toEqual([1, 2, ...Array.from({ length: 256 }, (_, i) => 745 + i)])
  expect(pushed).toEqual(steps)
})

test('the error of native code can be told in other words', async () => {
  const fit = made({ translate: () => new KanError({ code: 'ERR_KAN_FILE', message: 'told otherwise' }) })
  fit.resolve({ ok: false, error: '{"code":"ERR_KAN_FILE","message":"x"}', report: report(1) })
  await expect(fit.done).rejects.toThrow('told otherwise')
})
