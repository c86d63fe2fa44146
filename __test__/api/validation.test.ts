// Data to judge by must mean the same as the data learnt from: columns, targets and classes.
import { Dataset, Kan } from 'kanode'
import { expect, test } from 'vitest'

const count = 60
const a = Array.from({ length: count }, (_, i) => i / 10)
const b = a.map(value => Math.cos(3 * value))
const y = a.map((value, i) => value + 10 * b[i]!)
const z = a.map(value => value ** 2)
const species = a.map(value => (value < 2 ? 'ash' : value < 4 ? 'birch' : 'cedar'))
const options = { optimizer: 'lbfgs', steps: 20 } as const

test('labels of validation data are counted as those of the training data, also where a class is missing', async () => {
  const model = new Kan({ layers: [1, 4, 3] })
  const x = a.map(value => [value])
  const late = { x: x.slice(45), y: species.slice(45) }
  expect(new Set(late.y)).toEqual(new Set(['cedar']))
  const history = await model.fit({ x, y: species }, { ...options, validation: late })
  expect(history.last?.validationLoss).toBeLessThan(0.1)
  expect(await model.evaluate(late)).toMatchObject({ accuracy: 1 })
})

test('validation data with classes that nobody learnt is refused', async () => {
  const model = new Kan({ layers: [1, 4, 3] })
  const x = a.map(value => [value])
  const strange = { x, y: species.map(name => (name === 'ash' ? 'elm' : name)) }
  await expect(model.fit({ x, y: species }, { ...options, validation: strange })).rejects.toMatchObject({
    code: 'ERR_KAN_LABEL',
  })
})

test('validation data with its columns in another order is refused in the first fit', async () => {
  const model = new Kan({ layers: [2, 1] })
  const train = Dataset.fromColumns({ a, b, y }, { target: 'y' })
  const swapped = Dataset.fromColumns({ b, a, y }, { target: 'y' })
  await expect(model.fit(train, { ...options, validation: swapped })).rejects.toThrow(
    "Feature 0 of the validation data is 'b'; the model expects 'a' there",
  )
  expect(model.fitted).toBe(false)
})

test('targets of another name, or in another order, are refused', async () => {
  const model = new Kan({ layers: [1, 2] })
  const train = Dataset.fromColumns({ a, y, z }, { target: ['y', 'z'] })
  const swapped = Dataset.fromColumns({ a, y, z }, { target: ['z', 'y'] })
  const message = "is 'z'; the model tells 'y' there"
  await expect(model.fit(train, { ...options, validation: swapped })).rejects.toThrow(message)
  await model.fit(train, options)
  await expect(model.evaluate(swapped)).rejects.toThrow(message)
})

test('a column of class numbers under another loss gets the advice to use crossEntropy', async () => {
  const x = a.map(value => [value])
  const labels = a.map((_, i) => i % 3)
  await expect(new Kan({ layers: [1, 3] }).fit({ x, y: labels })).rejects.toThrow("use loss: 'crossEntropy'")
})

test('holes, numbers beyond the whole ones and getters that throw are told for what they are', () => {
  // biome-ignore lint/suspicious/noSparseArray: the hole is the point
  expect(() => new Kan({ layers: [, 1] as number[] })).toThrow('layers[0] must be a whole number')
  expect(() => new Kan({ layers: [1, 1], seed: 2 ** 53 })).toThrow('at most 9007199254740991')
  const broken = {
    layers: [1, 1],
    get grid(): number {
      throw new Error('mine')
    },
  }
  expect(() => new Kan(broken)).toThrow(/^mine$/)
})
