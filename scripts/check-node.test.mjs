import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { root } from './processes.mjs'

const file = path.join(root, 'scripts', 'check-node.cjs')

/** What ES5 has of what the script is made of; everything else is taken for newer. */
const es5 = new Set([
  ts.SyntaxKind.ArrayLiteralExpression,
  ts.SyntaxKind.BinaryExpression,
  ts.SyntaxKind.Block,
  ts.SyntaxKind.CallExpression,
  ts.SyntaxKind.ElementAccessExpression,
  ts.SyntaxKind.EndOfFileToken,
  ts.SyntaxKind.EqualsToken,
  ts.SyntaxKind.EqualsEqualsEqualsToken,
  ts.SyntaxKind.ExclamationEqualsEqualsToken,
  ts.SyntaxKind.ExpressionStatement,
  ts.SyntaxKind.FalseKeyword,
  ts.SyntaxKind.ForStatement,
  ts.SyntaxKind.FunctionDeclaration,
  ts.SyntaxKind.Identifier,
  ts.SyntaxKind.IfStatement,
  ts.SyntaxKind.LessThanToken,
  ts.SyntaxKind.NumericLiteral,
  ts.SyntaxKind.Parameter,
  ts.SyntaxKind.PlusEqualsToken,
  ts.SyntaxKind.PlusToken,
  ts.SyntaxKind.PropertyAccessExpression,
  ts.SyntaxKind.ReturnStatement,
  ts.SyntaxKind.SourceFile,
  ts.SyntaxKind.StringLiteral,
  ts.SyntaxKind.VariableDeclaration,
  ts.SyntaxKind.VariableDeclarationList,
  ts.SyntaxKind.VariableStatement,
])

/** What an engine of ES5 would not read, as `kind: text`. */
function newer(text) {
  const source = ts.createSourceFile('check.js', text, ts.ScriptTarget.Latest, true)
  const found = []
  const visit = node => {
    const lists = [node.arguments, node.parameters]
    const unread =
      !es5.has(node.kind) ||
      (ts.isVariableDeclarationList(node) && (node.flags & ts.NodeFlags.BlockScoped) !== 0) ||
      (ts.isParameter(node) && (node.initializer ?? node.dotDotDotToken) !== undefined) ||
      (ts.isFunctionDeclaration(node) && (node.modifiers ?? node.asteriskToken) !== undefined) ||
      (ts.isPropertyAccessExpression(node) && node.questionDotToken !== undefined) ||
      lists.some(list => list?.hasTrailingComma)
    if (unread) found.push(`${ts.SyntaxKind[node.kind]}: ${node.getText(source)}`)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/** Runs the script in a Node.js that says it is another. */
function runAs(version) {
  const fake = `Object.defineProperty(process, 'versions', { value: { node: '${version}' } })`
  return spawnSync(process.execPath, ['-e', `${fake}; require(${JSON.stringify(file)})`], { encoding: 'utf8' })
}

test('an old Node.js can read the script', () => {
  expect(newer(readFileSync(file, 'utf8'))).toEqual([])
})

test.each([
  'f(1,)',
  'function f(a,) {}',
  'let a = 1',
  'var f = a => a',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a program
  'var s = `${1}`',
  'function f(a = 1) {}',
  'function f(...a) {}',
  'async function f() {}',
  'a?.b',
  'a ?? b',
  'var { a } = b',
])('what it could not read is found: %s', text => {
  expect(newer(text)).not.toEqual([])
})

test('a Node.js that is too old is refused in one line', () => {
  for (const version of ['18.20.4', '20.18.3', '0.12.18']) {
    const { status, stdout, stderr } = runAs(version)
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toBe(
      `kanode needs Node.js 20.19 or later, found ${version}: install a current one from https://nodejs.org\n`,
    )
  }
})

test('a Node.js that is new enough passes without a word', () => {
  for (const version of ['20.19.0', '22.1.0', '100.0.0', process.versions.node]) {
    expect(runAs(version)).toMatchObject({ status: 0, stdout: '', stderr: '' })
  }
})
