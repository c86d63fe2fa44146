import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Dataset, parseCsv, readCsv } from 'kanode'
import { describe, expect, test } from 'vitest'
import { folder, rejected, thrown } from './helpers.js'

const cars = new URL('../../examples/data/cars.csv', import.meta.url)

describe('the cars', () => {
  test('six without horsepower are dropped, and origin becomes three columns', async () => {
    const data = await readCsv(cars, { target: 'mpg', ignore: ['name'], missing: 'drop' })
    expect([data.rows, data.features, data.targets]).toEqual([392, 9, 1])
    expect(data.featureNames.slice(6)).toEqual(['origin=Europe', 'origin=Japan', 'origin=USA'])
    expect(data.x.data.subarray(0, 9)).toEqual(Float64Array.of(8, 307, 130, 3504, 12, 1970, 0, 0, 1))
    expect(data.y.data[0]).toBe(18)
  })

  test('missing values are refused by name unless something else is asked for', async () => {
    const error = await rejected(readCsv(cars, { target: 'mpg', ignore: 'name' }))
    expect(error.code).toBe('ERR_KAN_DATA')
    expect(error.message).toMatch(
      /'horsepower' of data row 33 is missing \(and 5 more in the data\)[\s\S]*missing: 'drop'/,
    )
    const filled = await readCsv(cars, { target: 'mpg', ignore: 'name', missing: 'median' })
    expect(filled.rows).toBe(398)
    expect(filled.x.data[32 * 9 + 2]).toBe(93.5)
  })

  test('the names of the cars are refused with the advice to ignore them', async () => {
    const error = await rejected(readCsv(cars, { target: 'mpg', missing: 'drop' }))
    expect(error.message).toMatch(/'name' is text with 30\d different values; at most 20[\s\S]*ignore: \['name'\]/)
  })

  test('a text target gives classes', async () => {
    const data = await readCsv(cars, { target: 'origin', ignore: 'name', missing: 'mean' })
    expect(data.classes).toEqual(['Europe', 'Japan', 'USA'])
  })

  test('another file is encoded as the first', async () => {
    const { encoding } = await readCsv(cars, { target: 'mpg', ignore: 'name', missing: 'mean' })
    const text = 'origin,year,cylinders,displacement,horsepower,weight,acceleration\nJapan,1971,4,97,,2130,14.5\n'
    const data = parseCsv(text, { encoding: encoding! })
    expect(data.features).toBe(9)
    expect(data.targets).toBe(0)
    expect(data.x.data[2]).toBeCloseTo(104.469, 3)
    expect(data.x.data.subarray(6)).toEqual(Float64Array.of(0, 1, 0))
    const error = thrown(() => parseCsv(text.replace('Japan', 'Korea'), { encoding: encoding! }))
    expect(error.message).toMatch(/CSV: column 'origin' of data row 1 is 'Korea'[\s\S]*'Europe', 'Japan', 'USA'/)
  })
})

test('text and bytes give the same as row objects', () => {
  const text = 'a,b,c\n1,x,2\n3,y,4\n'
  const expected = Dataset.fromRows(
    [
      { a: 1, b: 'x', c: 2 },
      { a: 3, b: 'y', c: 4 },
    ],
    { target: 'c' },
  )
  for (const source of [text, new TextEncoder().encode(text), `\uFEFF${text.replaceAll('\n', '\r\n')}`]) {
    const data = parseCsv(source, { target: 'c' })
    expect([data.x, data.y, data.encoding]).toEqual([expected.x, expected.y, expected.encoding])
  }
})

test('delimiter, header, comments and markers of missing values can be chosen', () => {
  const data = parseCsv('# made up\n1;2\n-;4\n', {
    delimiter: ';',
    header: false,
    comment: '#',
    missingMarkers: ['-'],
    missing: 'mean',
  })
  expect(data.featureNames).toEqual(['column1', 'column2'])
  expect(data.x.data).toEqual(Float64Array.of(1, 2, 1, 4))
})

describe('text among numbers', () => {
  const column = (cells: readonly string[], options: object = {}) =>
    parseCsv(['a;b', ...cells.map((cell, i) => `${i};${cell}`)].join('\n'), { delimiter: ';', ...options })

  test('is refused by column, row and cell, with what it may stand for', () => {
    const error = thrown(() => parseCsv('a,b,y\n1,5.1,2\n2,-,3\n3,6.2,4\n4,7.3,5', { target: 'y' }))
    expect(error.code).toBe('ERR_KAN_DATA')
    expect(error.message).toMatch(/column 'b' of data row 2 is '-', while 3 of the 4 cells of 'b' look like numbers/)
    expect(error.hint).toMatch(/missingMarkers[\s\S]*categorical: \['b'\][\s\S]*ignore/)
    expect(error.details).toMatchObject({ row: 1, column: 'b', found: '-' })
    expect(thrown(() => column(['1', 'nan', '2'])).message).toMatch(/row 2 is 'nan'/)
  })

  test('is refused in a target too, which can be made one of classes', () => {
    const cells = [...Array.from({ length: 100 }, (_, i) => String(i)), 'oops']
    const error = thrown(() => column(cells, { target: 'b' }))
    expect(error.message).toMatch(/data row 101 is 'oops', while 100 of the 101 cells/)
    expect(error.hint).not.toMatch(/ignore/)
    expect(column(['1', '2', 'x'], { target: 'b', categorical: 'b' }).classes).toEqual(['1', '2', 'x'])
  })

  test('counts decimal commas and percentages as numbers, and says what they look like', () => {
    for (const cells of [
      ['1,5', '2,5'],
      ['1', '2,5', '3,5'],
    ]) {
      expect(thrown(() => column(cells)).hint).toMatch(/decimal comma: write decimal points/)
    }
    expect(thrown(() => column(['10%', '12.5 %'])).hint).toMatch(/percentage/)
    expect(thrown(() => column(['1', '2', '3', '-', 'x', '1,5'])).hint).not.toMatch(/decimal comma/)
  })

  test('is let through as a gap, as a category, or in a column that is words mostly', () => {
    expect(column(['1', '-', '3'], { missingMarkers: ['-'], missing: 'mean' }).x.data[3]).toBe(2)
    expect(column(['1', '-', '3'], { categorical: 'b' }).features).toBe(4)
    expect(column(['1', '-', '3'], { ignore: 'b' }).features).toBe(1)
    expect(column(['1', 'x', 'y']).featureNames).toEqual(['a', 'b=1', 'b=x', 'b=y'])
  })

  test('is refused in rows that are dropped too, for what is left was read as text', () => {
    expect(thrown(() => parseCsv('a,b\n1,2\n,x\n3,4', { missing: 'drop' })).message).toMatch(/row 2 is 'x'/)
  })

  test('numbers in a categorical column are compared as numbers', () => {
    expect(column(['01115', '1115', '7'], { categorical: 'b' }).featureNames).toEqual(['a', 'b=1115', 'b=7'])
  })
})

describe('advice', () => {
  const advice: [string, () => unknown, RegExp][] = [
    ['semicolons', () => parseCsv('a;b\n1;2\n', { target: 'b' }), /use delimiter: ';'/],
    ['tabs', () => parseCsv('a\tb\n1\t2\n', { target: 'b' }), /use delimiter: '\\t'/],
    ['another encoding', () => parseCsv(Uint8Array.of(97, 10, 0xe4, 10)), /encoding UTF-8/],
    ['an empty file', () => parseCsv(''), /^Check that it is the right file/],
    ['a header alone', () => parseCsv('a,b\n'), /^It needs at least one row/],
    ['an index without a name', () => parseCsv(',a\n0,1\n'), /pandas: to_csv\(path, index=False\)/],
    ['a column without a name', () => parseCsv('a,\n0,1\n'), /^Give every column a name/],
  ]
  test.each(advice)('for %s', (_, call, hint) => {
    expect(thrown(call).hint).toMatch(hint)
  })

  test('names the delimiter to those who read for a model too', () => {
    const { encoding } = parseCsv('a,b\n1,2\n', { target: 'b' })
    expect(thrown(() => parseCsv('a;b\n1;2\n', { encoding: encoding! })).hint).toMatch(/use delimiter: ';'/)
  })
})

describe('refused', () => {
  const refusals: [string, string, object, string, RegExp][] = [
    ['a ragged row', 'a,b\n1,2\n3\n', {}, 'ERR_KAN_CSV', /CSV: line 3: expected 2 fields, found 1[\s\S]*delimiter/i],
    ['no text', '', {}, 'ERR_KAN_CSV', /empty/],
    ['a header alone', 'a,b\n', {}, 'ERR_KAN_CSV', /no rows/],
    ['an open quote', 'a\n"x\n', {}, 'ERR_KAN_CSV', /line 2[\s\S]*never closed/],
    ['a name twice', 'a,a\n1,2\n', {}, 'ERR_KAN_CSV', /both named "a"/],
    ['a number too large', 'a\n1e999\n', {}, 'ERR_KAN_CSV', /line 2, column "a": "1e999" is not a finite number/],
    ['an unknown option', 'a\n1\n', { delimeter: ';' }, 'ERR_KAN_OPTION', /Did you mean 'delimiter'/],
    ['a long delimiter', 'a\n1\n', { delimiter: '||' }, 'ERR_KAN_OPTION', /one ASCII character/],
    ['a delimiter that is the comment', 'a\n1\n', { delimiter: ';', comment: ';' }, 'ERR_KAN_OPTION', /comment/],
    ['a header that is no flag', 'a\n1\n', { header: 1 }, 'ERR_KAN_OPTION', /header must be true or false; found 1/],
    ['markers that are no list', 'a\n1\n', { missingMarkers: '-' }, 'ERR_KAN_OPTION', /missingMarkers must be/],
    ['an unknown target', 'a,b\n1,2\n', { target: 'c' }, 'ERR_KAN_OPTION', /no column 'c' \(target\)[\s\S]*'a', 'b'/],
  ]
  test.each(refusals)('%s', (_, text, options, code, message) => {
    const error = thrown(() => parseCsv(text, options))
    expect(error.code).toBe(code)
    expect(error.message).toMatch(message)
  })

  test('an option that only the parser can refuse is still a RangeError, without advice about the text', () => {
    const error = thrown(() => parseCsv('a\n1\n', { delimiter: ';', comment: ';' }))
    expect(error).toBeInstanceOf(RangeError)
    expect(error.hint ?? '').not.toMatch(/at that line/)
  })

  test('bytes that are no text', () => {
    expect(thrown(() => parseCsv(Uint8Array.of(97, 10, 0xff, 10))).message).toMatch(/line 2: not UTF-8/)
    expect(thrown(() => parseCsv(3 as never))).toBeInstanceOf(TypeError)
  })

  test('a file that is not there, a folder, a path that is none', async () => {
    const absent = await rejected(readCsv(path.join(folder(), 'no.csv')))
    expect(absent.code).toBe('ERR_KAN_FILE')
    expect(absent.details).toMatchObject({ kind: 'io', reason: 'ENOENT' })
    expect(absent.message).toMatch(/There is no file '.*no\.csv'[\s\S]*Relative paths start at/)
    expect((await rejected(readCsv(folder()))).code).toBe('ERR_KAN_FILE')
    expect(await rejected(readCsv(3 as never))).toBeInstanceOf(TypeError)
    expect(await rejected(readCsv(''))).toBeInstanceOf(RangeError)
    expect(await rejected(readCsv(new URL('https://example.com/a.csv')))).toBeInstanceOf(RangeError)
  })
})

test('paths and file URLs both work, and errors name the file', async () => {
  const file = path.join(folder(), 'ü b.csv')
  writeFileSync(file, 'a,b\n1,2\n')
  for (const at of [file, pathToFileURL(file)]) expect((await readCsv(at)).rows).toBe(1)
  writeFileSync(file, 'a,b\n1\n')
  const error = await rejected(readCsv(file))
  expect(error.message.startsWith(`${file}: `)).toBe(true)
  expect(error.details).toMatchObject({ line: 2, file })
})

test('what the parser holds is freed at once, in a loop that never rests too', () => {
  const code = `
    const { parseCsv } = require('kanode')
    const text = 'a,b\\n' + '1.25,2.5\\n'.repeat(250_000)
    const parse = () => parseCsv(text, { target: 'b' }).rows
    for (let i = 0; i < 50; i++) parse()
    const before = process.memoryUsage.rss()
    for (let i = 0; i < 100; i++) parse()
    console.log((process.memoryUsage.rss() - before) / 2 ** 20)`
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const grown = Number(execFileSync(process.execPath, ['-e', code], { cwd: root, encoding: 'utf8' }))
  // A parsed table holds 4 MiB: a hundred that wait for their finalizers are 400. What the first fifty leave behind is
  // what the allocator keeps for the others; with Node.js 24 that is more than 100 MiB.
  expect(grown).toBeLessThan(100)
})
