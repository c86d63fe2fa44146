import { expect, test } from 'vitest'
import { shapes } from '../common/shapes.mjs'
import { argumentsFor } from './programs.mjs'
import { isArkans, networksFor, requestFor } from './rivals.mjs'

const shape = name => shapes.find(one => one.name === name)

test('pykan is measured where its edges are few', () => {
  expect(networksFor(shape('2-5-1/1000'))).toContain('pykan')
  expect(networksFor(shape('784-64-10/64'))).not.toContain('pykan')
})

test('only the network of the same parameters has other layers', () => {
  const wide = shape('784-64-10/64')
  expect(requestFor('MLP', wide).layers).toEqual(wide.layers)
  expect(requestFor('MLP, same parameters', wide)).toMatchObject({ batch: 64, grid: 5 })
  expect(requestFor('MLP, same parameters', wide).layers[1]).toBeGreaterThan(600)
})

test('arkan is measured on its own network', () => {
  expect(shapes.filter(isArkans).map(({ batch }) => batch)).toEqual([1, 16, 64, 256])
})

test('programs are told shape, mode and how long to measure', () => {
  const given = argumentsFor(shape('784-10/200/G10'), { mode: 'adam', repeat: 3, seconds: 0.5, threads: 2 })
  const expected = '--layers 784,10 --batch 200 --grid 10 --dtype f32 --threads 2 --mode adam --repeat 3 --seconds 0.5'
  expect(given.join(' ')).toBe(expected)
})
