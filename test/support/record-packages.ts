import { writeFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import process from 'node:process'

/** Preloaded into a command: writes the names of the packages that it read into the file that RECORD_PACKAGES names. */
const packages = new Set<string>()

registerHooks({
  load(url, context, next) {
    const [, name] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url) ?? []
    if (name !== undefined) packages.add(name)
    return next(url, context)
  },
})

process.on('exit', () => {
  const path = process.env['RECORD_PACKAGES']
  if (path !== undefined) writeFileSync(path, [...packages].sort().join('\n'))
})
