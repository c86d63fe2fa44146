// `npm run check`: everything that is judged without running a test: format, lints, documentation, types. All checks
// run even when one fails, and the last lines name those that did.
import { judge } from './judge.mjs'
import { main, tool } from './processes.mjs'
import { setup } from './setup.mjs'

const checks = () => [
  ['rustfmt', 'cargo', ['fmt', '--all', '--check']],
  ['clippy', 'cargo', ['clippy', '--workspace', '--all-targets', '--locked', '--', '-D', 'warnings']],
  [
    'clippy without the GPU',
    'cargo',
    ['clippy', '-p', 'kanode-binding', '--no-default-features', '--locked', '--', '-D', 'warnings'],
  ],
  ['rustdoc', 'cargo', ['doc', '--workspace', '--no-deps', '--locked'], { RUSTDOCFLAGS: '-D warnings' }],
  ['tsc', ...tool('typescript', 'tsc', '-p', 'tsconfig.json')],
  ['tsc of the tests', ...tool('typescript', 'tsc', '-p', '__test__/tsconfig.json')],
  ['biome', ...tool('@biomejs/biome', 'biome', 'check', '--error-on-warnings', '.')],
]

await main(async () => {
  await setup()
  return judge(checks())
})
