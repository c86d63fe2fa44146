#!/usr/bin/env node
/**
 * The command line: `npx kanode doctor`.
 */

async function main([command, ...rest]: string[]): Promise<number> {
  if (command !== 'doctor' || rest.length > 0) {
    console.error('usage: kanode doctor   says what computes on this machine, and whether it does so rightly')
    return 2
  }
  // Imported here, so that a library that can't be loaded is told in plain words.
  const { doctor } = await import('./doctor.js')
  const { lines, sound } = await doctor()
  for (const line of lines) console.log(line)
  return sound ? 0 : 1
}

main(process.argv.slice(2)).then(
  status => {
    process.exitCode = status
  },
  error => {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  },
)
