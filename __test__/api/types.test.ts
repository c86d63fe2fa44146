import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import * as kanode from 'kanode'
import ts from 'typescript'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const consumer = path.join(root, '__test__/types/api.mts')

/** Compiles a file of a user who has neither Node's types nor the browser's; `text` stands in for what is on disk. */
function compile(file: string, options: ts.CompilerOptions = {}, text?: string): string[] {
  const all: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    types: [],
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2022.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    ...options,
  }
  const host = ts.createCompilerHost(all)
  const { getSourceFile, fileExists, readFile } = host
  if (text !== undefined) {
    host.fileExists = name => name === file || fileExists(name)
    host.readFile = name => (name === file ? text : readFile(name))
    host.getSourceFile = (name, languageVersion, ...rest) =>
      name === file
        ? ts.createSourceFile(name, text, languageVersion)
        : getSourceFile.call(host, name, languageVersion, ...rest)
  }
  const program = ts.createProgram([file], all, host)
  return ts.getPreEmitDiagnostics(program).map(({ messageText, file: at, start }) => {
    const line =
      at === undefined ? '' : `${path.basename(at.fileName)}:${at.getLineAndCharacterOfPosition(start ?? 0).line + 1} `
    return line + ts.flattenDiagnosticMessageText(messageText, '\n')
  })
}

test('what users write compiles, without the types of Node or of a browser', () => {
  expect(compile(consumer)).toEqual([])
})

test('with exact optional properties and unchecked indices too', () => {
  expect(compile(consumer, { exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true })).toEqual([])
})

test('an error in it is found', () => {
  const text = `${readFileSync(consumer, 'utf8')}\nconst n: number = model.toString()\nvoid n\n`
  expect(compile(consumer, {}, text)).toEqual([expect.stringContaining("'string' is not assignable to type 'number'")])
})

test('require has the same types', () => {
  const file = path.join(root, '__test__/types/api.cts')
  const text =
    "import kanode = require('kanode')\nconst model: kanode.Kan = new kanode.Kan({ layers: [1, 1] })\nmodel.grid.toFixed()\n"
  for (const [module, resolution] of [
    [ts.ModuleKind.Node16, ts.ModuleResolutionKind.Node16],
    [ts.ModuleKind.NodeNext, ts.ModuleResolutionKind.NodeNext],
  ] as const) {
    expect(compile(file, { module, moduleResolution: resolution }, text)).toEqual([])
  }
  expect(compile(file, {}, text.replace('grid', 'gird'))).toHaveLength(1)
})

test('index.d.ts names all that the package exports, and all that it names is documented', () => {
  const file = path.join(root, 'index.d.ts')
  const program = ts.createProgram([file], {
    module: ts.ModuleKind.NodeNext,
    types: [],
    target: ts.ScriptTarget.ES2022,
  })
  const checker = program.getTypeChecker()
  const names = (name: string) => {
    const symbol = checker.getSymbolAtLocation(program.getSourceFile(name)!)!
    return checker.getExportsOfModule(symbol)
  }
  const named = names(file)
  const built = names(path.join(root, 'dist/index.d.ts'))
  expect(named.map(symbol => symbol.name).sort()).toEqual(built.map(symbol => symbol.name).sort())
  const isValue = ({ declarations }: ts.Symbol) => !declarations?.some(ts.isTypeOnlyExportDeclaration)
  const values = named.filter(isValue).map(symbol => symbol.name)
  expect(values.sort()).toEqual(Object.keys(kanode).sort())
  const bare = named.filter(symbol => resolved(symbol).getDocumentationComment(checker).length === 0)
  expect(bare.map(symbol => symbol.name)).toEqual([])

  function resolved(symbol: ts.Symbol): ts.Symbol {
    return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
  }
})
