import { readFileSync } from 'node:fs'
import { inPackage } from './package-folder.ts'

/** Of the package, read from the one place that has it. */
export const version: string = (JSON.parse(readFileSync(inPackage('package.json'), 'utf8')) as { version: string })
  .version
