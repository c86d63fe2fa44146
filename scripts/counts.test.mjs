import { describe, expect, test } from 'vitest'
import { closingLine, countAva, countCargo, countVitest, settle } from './counts.mjs'

const cargoOutput = `
running 2 tests
test tests::one ... ok
test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s

running 4 tests
test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
`

describe('counts of test runners', () => {
  test('cargo: all test programs are summed', () => {
    expect(countCargo(cargoOutput)).toEqual({ passed: 5, failed: 1, skipped: 1 })
  })

  test('cargo: a test that says it was skipped did not pass', () => {
    for (const missing of ['Vulkan adapter', '`cc --version`']) {
      const output = `skipped: no ${missing} for a_test\n${cargoOutput}`
      expect(countCargo(output)).toEqual({ passed: 4, failed: 1, skipped: 2 })
    }
  })

  test('cargo: a build that fails has no counts', () => {
    expect(countCargo('error: could not compile')).toEqual({ passed: 0, failed: 0, skipped: 0 })
  })

  test('vitest: a test file that cannot be loaded is one failure', () => {
    const report = {
      numPassedTests: 3,
      numFailedTests: 1,
      numPendingTests: 2,
      numTodoTests: 1,
      testResults: [
        { status: 'failed', assertionResults: [{}] },
        { status: 'failed', assertionResults: [] },
        { status: 'passed', assertionResults: [{}] },
      ],
    }
    expect(countVitest(JSON.stringify(report))).toEqual({ passed: 3, failed: 2, skipped: 3 })
  })

  test('vitest: a run without a report has no counts', () => {
    expect(countVitest('')).toEqual({ passed: 0, failed: 0, skipped: 0 })
  })

  test('ava: the closing comments of TAP are read, whatever a test prints', () => {
    const tap = 'TAP version 13\nok 1 - a\n# pass 9\n\n1..3\n# tests 3\n# pass 1\n# skip 1\n# fail 1\n'
    expect(countAva(tap)).toEqual({ passed: 1, failed: 1, skipped: 1 })
  })

  test('a run that failed without naming a test has one failure', () => {
    expect(settle({ passed: 4, failed: 0, skipped: 0 }, 101).failed).toBe(1)
    expect(settle({ passed: 4, failed: 2, skipped: 0 }, 1).failed).toBe(2)
    expect(settle({ passed: 4, failed: 0, skipped: 0 }, 0).failed).toBe(0)
  })

  test('the closing line names skipped tests only where there are any', () => {
    expect(closingLine('ava', { passed: 4, failed: 0, skipped: 0 })).toBe('ava: 4 passed, 0 failed')
    expect(closingLine('ava', { passed: 4, failed: 1, skipped: 2 })).toBe('ava: 4 passed, 1 failed, 2 skipped')
  })
})
