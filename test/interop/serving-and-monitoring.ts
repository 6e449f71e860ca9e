import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** Runs the suites against real components, one after the other; the last line counts them together. */
const suites = ['serving.ts', 'monitoring.ts', 'otlp.ts']
const counted = /^(\d+) passed, (\d+) failed/

async function run(suite: string): Promise<{ passed: number; failed: number }> {
  const path = fileURLToPath(new URL(suite, import.meta.url))
  if (!existsSync(path)) return { passed: 0, failed: 0 }
  process.stdout.write(`${suite}\n`)
  const child = spawn(process.execPath, [path], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  let found: { passed: number; failed: number } | undefined
  for await (const line of createInterface({ input: child.stdout })) {
    const [, passed, failed] = counted.exec(line) ?? []
    if (passed === undefined) process.stdout.write(`${line}\n`)
    else found = { passed: Number(passed), failed: Number(failed) }
  }
  const code = await ended
  if (found && (code === 0 || found.failed > 0)) return found
  process.stdout.write(`  FAILED   ${suite} ended with code ${code} and no count\n`)
  return { passed: found?.passed ?? 0, failed: (found?.failed ?? 0) + 1 }
}

let [passed, failed] = [0, 0]
for (const suite of suites) {
  const result = await run(suite)
  passed += result.passed
  failed += result.failed
}
process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exitCode = failed > 0 ? 1 : 0
