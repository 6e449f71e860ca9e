#!/usr/bin/env node
// Plain JavaScript that any Node >= 18 reads: finds the right Node, then starts the program.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import * as module from 'node:module'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const neededMajor = 24
const major = Number(process.versions.node.split('.')[0])
const here = (path) => fileURLToPath(new URL(path, import.meta.url))

if (major >= neededMajor) {
  module.enableCompileCache?.()
  await import(existsSync(here('../dist/main.js')) ? '../dist/main.js' : '../src/main.ts')
} else {
  const pinned = here('../node_modules/.bin/node')
  if (existsSync(pinned)) hand(pinned)
  else {
    process.stderr.write(`evenkeel needs Node >= ${neededMajor}; this is ${process.version}. Run "npm run setup" in its folder, or install Node ${neededMajor}.\n`)
    process.exitCode = 2
  }
}

function hand(node) {
  const child = spawn(node, [here('./keel.js'), ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0)
  })
}
