// Reads how many tests passed, failed and were skipped out of what each test runner writes for machines. A run that
// ended badly without naming a failed test (a test file that does not compile, a crash) counts as one failure.

/** Sums the closing lines of all test programs, doc tests included, in the output of `cargo test`. */
export function countCargo(output) {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const [, passed, failed, ignored] of output.matchAll(
    /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;/gm,
  )) {
    counts.passed += Number(passed)
    counts.failed += Number(failed)
    counts.skipped += Number(ignored)
  }
  // A test that finds out while it runs that it can't be done passes for cargo, and says so.
  const skipped = [...output.matchAll(/skipped: no /g)].length
  counts.passed -= skipped
  counts.skipped += skipped
  return counts
}

/** Reads vitest's JSON report; a test file that could not be loaded has no tests and counts as one failure. */
export function countVitest(report) {
  if (report === '') return { passed: 0, failed: 0, skipped: 0 }
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(report)
  const broken = testResults.filter(file => file.status === 'failed' && file.assertionResults.length === 0)
  return {
    passed: numPassedTests,
    failed: numFailedTests + broken.length,
    skipped: numPendingTests + numTodoTests,
  }
}

/** Reads the closing comments of the TAP that `ava --tap` writes; what tests print are comments too, before them. */
export function countAva(tap) {
  const total = name => Number([...tap.matchAll(new RegExp(`^# ${name} (\\d+)$`, 'gm'))].at(-1)?.[1] ?? 0)
  return { passed: total('pass'), failed: total('fail'), skipped: total('skip') }
}

/** The counts with the exit status taken in: a run that failed has at least one failure. */
export function settle(counts, status) {
  return status !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts
}

/** `vitest: 12 passed, 0 failed`, and `, 1 skipped` where any was. */
export function closingLine(name, { passed, failed, skipped }) {
  return `${name}: ${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}
