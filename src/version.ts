import { readFileSync } from 'node:fs'

/** Of the package, read from the one place that has it. */
export const version: string = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
).version
