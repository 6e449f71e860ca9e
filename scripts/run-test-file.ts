import { run } from 'node:test'

export type Count = { passed: number; failed: number; skipped: number }

/** An event of node:test as its reporters take it. */
export type TestEvent = { type: string; data: unknown }

type Result = {
  name: string
  nesting: number
  skip?: string | boolean
  todo?: string | boolean
  details: { type?: string; error?: { failureType?: string } }
}

const testLimit = 120_000
const silenceInTest = 600_000
const silenceBetweenTests = 120_000

export function emptyCount(): Count {
  return { passed: 0, failed: 0, skipped: 0 }
}

/** Runs one test file in a process of its own, which is stopped when it hangs. */
export async function runFile(path: string): Promise<{ count: Count; events: TestEvent[] }> {
  const count = emptyCount()
  const events: TestEvent[] = []
  const abort = new AbortController()
  const open = new Set<string>()
  const tally = tallyInto(count, path)
  let silence: NodeJS.Timeout | undefined
  const listen = () => {
    clearTimeout(silence)
    silence = setTimeout(() => abort.abort(hung(open)), open.size > 0 ? silenceInTest : silenceBetweenTests)
  }

  listen()
  const stream = run({ files: [path], concurrency: 1, timeout: testLimit, signal: abort.signal })
  for await (const event of stream) {
    const { type, data } = event as { type: string; data: Result & { message?: string } }
    const key = `${data.nesting} ${data.name}`
    if (type === 'test:dequeue') open.add(key)
    if (type === 'test:dequeue' && data.name !== path) open.delete(`0 ${path}`)
    if (type === 'test:complete') open.delete(key)
    if (type === 'test:pass' || type === 'test:fail') tally(type === 'test:pass', data)
    if (type === 'test:fail' || !isAboutTheRun(type, data, path)) events.push({ type, data })
    listen()
  }
  clearTimeout(silence)
  if (count.passed + count.failed + count.skipped === 0) {
    count.failed += 1
    events.push({ type: 'test:stderr', data: { file: path, message: `✖ ${path} has no tests.\n` } })
  }
  return { count, events }
}

function hung(open: ReadonlySet<string>): Error {
  const names = [...open].map((key) => `"${key.slice(key.indexOf(' ') + 1)}"`)
  if (names.length > 0) return new Error(`Stopped: no word from ${names.join(', ')} for ${silenceInTest / 1000} s.`)
  const seconds = silenceBetweenTests / 1000
  return new Error(
    `Stopped: silent for ${seconds} s after its last test; something is left open, or a test never yields.`,
  )
}

/** node:test wraps each file into a test and appends totals: of one file here, so they would only confuse. */
function isAboutTheRun(type: string, { name, message }: { name?: string; message?: string }, path: string): boolean {
  if (type === 'test:summary' || name === path) return true
  return (
    type === 'test:diagnostic' &&
    /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/.test(message ?? '')
  )
}

/** Counts leaves: a suite, or a test with subtests, counts only when it fails by itself. */
function tallyInto(count: Count, path: string): (passed: boolean, result: Result) => void {
  const below: number[] = []
  return (passed, { name, nesting, skip, todo, details }) => {
    const container = details.type === 'suite' || (below[nesting + 1] ?? 0) > 0 || name === path
    below[nesting + 1] = 0
    below[nesting] = (below[nesting] ?? 0) + 1
    if ((skip ?? false) !== false || (todo ?? false) !== false) count.skipped += 1
    else if (!passed && details.error?.failureType !== 'subtestsFailed') count.failed += 1
    else if (passed && !container) count.passed += 1
  }
}
