// The binding's contract: each file in a process of its own, one after another, because some of them measure the
// event loop or the memory of their process.
export default {
  files: ['__test__/binding/**/*.test.{ts,mts}'],
  extensions: { ts: 'module', mts: 'module' },
  nodeArguments: ['--import=tsx'],
  workerThreads: false,
  concurrency: 1,
  timeout: '3m',
}
