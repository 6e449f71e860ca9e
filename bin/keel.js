#!/usr/bin/env node
// Plain JavaScript that any Node >= 18 reads: finds a Node that is new enough, then starts the program.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const neededMajor = 24
const here = (path) => fileURLToPath(new URL(path, import.meta.url))

if (Number(process.versions.node.split('.')[0]) < neededMajor) {
  const { handOver } = await import('./hand-over.js')
  handOver(here('./keel.js'))
} else {
  if (process.env.KEEL_HANDED_OVER) (await import('./hand-over.js')).endWithStarter()
  const { keepCompiled } = await import('./compile-cache.js')
  keepCompiled()
  await import(existsSync(here('../dist/main.js')) ? '../dist/main.js' : '../src/main.ts')
}
