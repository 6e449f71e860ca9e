import asyncHooks from 'node:async_hooks'
import { flushCompileCache } from 'node:module'
import { inspect } from 'node:util'
import type { TestEvent } from './test-events.ts'

const run = await importRun()
/** What nobody caught while the file ran. */
let uncaught: unknown[] = []
for (const event of ['uncaughtException', 'unhandledRejection'] as const)
  process.on(event, (error: unknown) => {
    uncaught.push(error)
  })

/**
 * Runs the test files whose paths its parent sends, one after the other in this process, which has loaded the program
 * only once. A file ends when its tests are over and nothing keeps the process alive, as it would in one of its own:
 * so the channel to the parent does not count as long as a file runs.
 */
process.on('message', async ({ path, testLimit }: { path: string; testLimit: number }) => {
  process.channel?.unref()
  uncaught = []
  process.once('disconnect', abandoned)
  const environment = { ...process.env }
  const folder = process.cwd()
  const stream = run({ files: [path], isolation: 'none', concurrency: 1, timeout: testLimit })
  for await (const event of stream) send({ event: withText(event as TestEvent) })
  flushCompileCache()
  restore(environment)
  process.chdir(folder)
  process.off('disconnect', abandoned)
  process.channel?.ref()
  send({ ended: { memory: process.memoryUsage.rss(), uncaught: uncaught.map((error) => inspect(error)) } })
})

/**
 * node:test follows every promise to know whose an error is that nobody caught. That is a tenth of what tests compute, so
 * promises are left out, and such an error fails the file where no test is known for it.
 */
async function importRun() {
  const { createHook } = asyncHooks
  asyncHooks.createHook = (options) => createHook({ ...options, trackPromises: false })
  try {
    const { run } = await import('node:test')
    return run
  } finally {
    asyncHooks.createHook = createHook
  }
}

/** Whoever wanted to know how the file ends is gone. */
function abandoned(): void {
  process.exit(1)
}

function send(message: unknown): void {
  process.send?.(message)
}

function restore(environment: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name]
  Object.assign(process.env, environment)
}

/** Errors lose their fields on the way to another process, so what a person would read of them goes instead. */
function withText({ type, data }: TestEvent): TestEvent {
  const { details, ...rest } = data as { details?: { error?: { failureType?: string; cause?: unknown } } }
  if (details?.error === undefined) return { type, data }
  const { failureType, cause } = details.error
  const text = inspect(cause instanceof Error ? cause : details.error, { depth: 8 })
  return { type, data: { ...rest, details: { ...details, error: { failureType, text } } } }
}
