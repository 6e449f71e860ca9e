import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import {
  emptyCount,
  type FileResult,
  isAboutTheRun,
  type TestEvent,
  type TestResult,
  tallyInto,
} from './test-events.ts'

export type TestRunner = { runFile(path: string): Promise<FileResult>; stop(): Promise<void> }

type Message = { event: TestEvent } | { ended: { memory: number; uncaught: string[] } }

const testLimit = 120_000
const silenceInTest = 600_000
const silenceBetweenTests = 120_000
/** For what a worker removes and writes when it is let go. */
const patienceAtTheEnd = 60_000
const fullMemory = 1_500_000_000
const program = fileURLToPath(new URL('test-worker.ts', import.meta.url))

/** Runs test files one after the other in a process that they share, which is replaced when a file hangs or ends it. */
export function startTestRunner(): TestRunner {
  let worker: ChildProcess | undefined
  return {
    async runFile(path) {
      worker ??= fork(program, { serialization: 'advanced', stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
      const { result, left } = await runIn(worker, path)
      if (left === 'full') await letGo(worker)
      if (left === 'broken') worker.kill('SIGKILL')
      if (left !== 'ready') worker = undefined
      return result
    },
    async stop() {
      if (worker) await letGo(worker)
    },
  }
}

/** It ends by itself, so that it can write down which lines it ran. */
async function letGo(worker: ChildProcess): Promise<void> {
  const ended = once(worker, 'exit')
  const late = setTimeout(() => worker.kill('SIGKILL'), patienceAtTheEnd)
  worker.disconnect()
  await ended
  clearTimeout(late)
}

/** What a file left of its worker: for another file, of too much memory for one, or not at its end by itself. */
type Left = 'ready' | 'full' | 'broken'

async function runIn(worker: ChildProcess, path: string): Promise<{ result: FileResult; left: Left }> {
  const started = performance.now()
  const count = emptyCount()
  const events: TestEvent[] = []
  const open = new Set<string>()
  const tally = tallyInto(count, path)
  const fail = (message: string) => {
    count.failed += 1
    events.push({ type: 'test:stderr', data: { file: path, message: `✖ ${path} ${message}\n` } })
  }
  const take = ({ type, data }: TestEvent) => {
    const result = data as TestResult
    const key = `${result.nesting} ${result.name}`
    if (type === 'test:dequeue') open.add(key)
    if (type === 'test:complete') open.delete(key)
    if (type === 'test:pass' || type === 'test:fail') tally(type === 'test:pass', result)
    if (type === 'test:fail' || !isAboutTheRun(type, result, path)) events.push({ type, data: readable(result) })
  }

  const left = await new Promise<Left>((resolve) => {
    let silence: NodeJS.Timeout | undefined
    const listen = () => {
      clearTimeout(silence)
      silence = setTimeout(
        () => end('broken', describeSilence(open)),
        open.size > 0 ? silenceInTest : silenceBetweenTests,
      )
    }
    const hear = (message: Message) => {
      if ('ended' in message) {
        const { memory, uncaught } = message.ended
        if (uncaught.length > 0 && count.failed === 0) fail(`left errors that nobody caught:\n${uncaught.join('\n')}`)
        return end(memory < fullMemory ? 'ready' : 'full')
      }
      take(message.event)
      listen()
    }
    const lost = (code: number | null, signal: string | null) =>
      end('broken', `ended its process early, with ${signal ?? `exit code ${code}`}.`)
    const print = (type: string) => (message: Buffer) => {
      events.push({ type, data: { file: path, message: message.toString() } })
      listen()
    }
    const out = print('test:stdout')
    const err = print('test:stderr')
    const end = (left: Left, complaint?: string) => {
      clearTimeout(silence)
      worker.off('message', hear).off('close', lost)
      worker.stdout?.off('data', out)
      worker.stderr?.off('data', err)
      if (complaint !== undefined) fail(complaint)
      resolve(left)
    }
    worker.on('message', hear).on('close', lost)
    worker.stdout?.on('data', out)
    worker.stderr?.on('data', err)
    listen()
    worker.send({ path, testLimit })
  })
  if (count.passed + count.failed + count.skipped === 0) fail('has no tests.')
  return { result: { count, events, seconds: (performance.now() - started) / 1000 }, left }
}

function describeSilence(open: ReadonlySet<string>): string {
  const names = [...open].map((key) => `"${key.slice(key.indexOf(' ') + 1)}"`)
  if (names.length > 0) return `was stopped: no word from ${names.join(', ')} for ${silenceInTest / 1000} s.`
  const seconds = silenceBetweenTests / 1000
  return `was stopped: silent for ${seconds} s after its last test; something is left open, or a test never yields.`
}

/** The worker sends an error as the text that a person reads of it. */
function readable(result: TestResult): unknown {
  const { error } = result.details ?? {}
  if (error?.text === undefined) return result
  const shown = new Error(error.text)
  shown.stack = error.text
  return { ...result, details: { ...result.details, error: shown } }
}
