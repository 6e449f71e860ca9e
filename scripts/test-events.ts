export type Count = { passed: number; failed: number; skipped: number }

/** An event of node:test as its reporters take it. */
export type TestEvent = { type: string; data: unknown }

export type FileResult = { count: Count; events: TestEvent[]; seconds: number }

export type TestResult = {
  name: string
  nesting: number
  message?: string
  skip?: string | boolean
  todo?: string | boolean
  details?: { type?: string; error?: { failureType?: string; text?: string } }
}

export function emptyCount(): Count {
  return { passed: 0, failed: 0, skipped: 0 }
}

/** node:test wraps a file without tests into one and appends totals: of one file here, so they would only confuse. */
export function isAboutTheRun(type: string, { name, message }: TestResult, path: string): boolean {
  if (type === 'test:summary' || name === path) return true
  return (
    type === 'test:diagnostic' &&
    /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/.test(message ?? '')
  )
}

/** Counts leaves: a suite, or a test with subtests, counts only when it fails by itself. */
export function tallyInto(count: Count, path: string): (passed: boolean, result: TestResult) => void {
  const below: number[] = []
  return (passed, { name, nesting, skip, todo, details }) => {
    const container = details?.type === 'suite' || (below[nesting + 1] ?? 0) > 0 || name === path
    below[nesting + 1] = 0
    below[nesting] = (below[nesting] ?? 0) + 1
    if ((skip ?? false) !== false || (todo ?? false) !== false) count.skipped += 1
    else if (!passed && details?.error?.failureType !== 'subtestsFailed') count.failed += 1
    else if (passed && !container) count.passed += 1
  }
}
