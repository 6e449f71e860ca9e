/** Checks of a suite that is run by itself, against real components: each is told as it ends, and the last line counts. */
export type Suite = {
  check(name: string, work: () => unknown): Promise<void>
  skip(name: string, reason: string): void
  /** Writes the count; a suite with a failure ends with 1. */
  end(): void
}

export function createSuite({ timed = false } = {}): Suite {
  const count = { passed: 0, failed: 0, skipped: 0 }
  const tell = (word: string, text: string) => process.stdout.write(`  ${word.padEnd(8)} ${text}\n`)
  return {
    async check(name, work) {
      const began = performance.now()
      try {
        const detail = await work()
        count.passed += 1
        const seconds = timed ? `  (${((performance.now() - began) / 1000).toFixed(1)} s)` : ''
        tell('ok', `${name}${typeof detail === 'string' ? `  ${detail}` : ''}${seconds}`)
      } catch (error) {
        count.failed += 1
        tell('FAILED', `${name}  ${error instanceof Error ? error.message : String(error)}`)
      }
    },
    skip(name, reason) {
      count.skipped += 1
      tell('skipped', `${name}: ${reason}`)
    },
    end() {
      const { passed, failed, skipped } = count
      process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`)
      process.exitCode = failed > 0 ? 1 : 0
    },
  }
}
