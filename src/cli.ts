#!/usr/bin/env node
/**
 * The command line: `npx kanode doctor`.
 */

import { doctor } from './doctor.js'

async function main([command, ...rest]: string[]): Promise<number> {
  if (command !== 'doctor' || rest.length > 0) {
    console.error('usage: kanode doctor   says what computes on this machine, and whether it does so rightly')
    return 2
  }
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
