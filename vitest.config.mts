import { defineConfig } from 'vitest/config'

// The API tests, and the tests of scripts, examples and benchmarks beside what they test. The binding's own contract is
// tested by ava (ava.config.mjs), which gives each file a process of its own.
export default defineConfig({
  test: {
    include: ['__test__/**/*.test.{ts,mts}', 'scripts/**/*.test.mjs', '{examples,bench}/**/*.test.mjs'],
    exclude: ['__test__/binding/**', '**/node_modules/**'],
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
