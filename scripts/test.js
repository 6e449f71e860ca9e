// Runs the tests with a Node that is new enough. Plain JavaScript for any Node >= 18.
import { fileURLToPath } from 'node:url'
import { endWithStarter, handOver } from '../bin/hand-over.js'

if (Number(process.versions.node.split('.')[0]) < 24) handOver(fileURLToPath(import.meta.url))
else {
  if (process.env.KEEL_HANDED_OVER) endWithStarter()
  const { runTests } = await import('./run-tests.ts')
  const exitCode = await runTests(process.argv.slice(2))
  // Whatever a stopped test file left open must not keep the run from ending.
  process.stdout.write('', () => process.exit(exitCode))
}
