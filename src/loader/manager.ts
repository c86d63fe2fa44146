/**
 * The package manager that laid a package where it is, and the command by which it installs that package anew.
 */

import path from 'node:path'

/** Programs that install packages. */
export type Manager = 'npm' | 'pnpm' | 'yarn' | 'bun'

/** Removing first makes a manager forget what its lock file or folder says of the platform packages. */
const commands: Record<Manager, (version: string) => string> = {
  npm: version => `npm uninstall kanode && npm install kanode@${version} --include=optional`,
  pnpm: version => `pnpm remove kanode && pnpm add kanode@${version} --config.optional=true`,
  yarn: version => `yarn remove kanode && yarn add kanode@${version}`,
  bun: version => `bun remove kanode && bun add kanode@${version}`,
}

/** The manager of a package in `folder`: npm, unless there is a sign of another. */
export function managerOf(folder: string): Manager {
  if (process.versions.pnp !== undefined) return 'yarn'
  if (folder.split(path.sep).includes('.pnpm')) return 'pnpm'
  return process.versions.bun === undefined ? 'npm' : 'bun'
}

/** The command that installs a version of kanode anew, with the package of its platform. */
export function reinstall(manager: Manager, version: string): string {
  return commands[manager](version)
}
