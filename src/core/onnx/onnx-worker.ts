import { parentPort } from 'node:worker_threads'
import { toAppError } from '../errors.ts'
import type { FromThread, ToThread } from './messages.ts'
import { type ModelFacts, type OnnxModel, openOnnx } from './models.ts'
import type { Value } from './row.ts'
import type { End } from './thread-exit.ts'

/** One thread of models. What comes is done in order and one at a time, so the oldest unanswered call is the one at work. */
const models = new Map<number, OnnxModel>()
const port = parentPort
if (!port) throw new Error('This file runs as a worker thread.')

type Done = { values: Value[]; facts?: ModelFacts }

async function work(message: ToThread): Promise<Done> {
  const { kind, model } = message
  if (kind === 'open') {
    const opened = await openOnnx(message.bytes, message.use)
    models.set(model, opened)
    return { values: [], facts: opened.facts }
  }
  if (kind === 'close') {
    await models.get(model)?.close()
    models.delete(model)
  }
  if (kind !== 'run') return { values: [] }
  const opened = models.get(model)
  if (!opened) throw new Error(`Model ${model} is not open in this thread.`)
  return { values: await opened.predict(message.rows) }
}

async function answer(message: ToThread): Promise<FromThread> {
  const { call } = message
  try {
    const started = performance.now()
    const done = await work(message)
    return { call, ...done, took: performance.now() - started }
  } catch (thrown) {
    const { code, message: text, offender: name, hint } = toAppError(thrown)
    return code === 'internal'
      ? { call, error: { code: 'upstream_failed', text: `The model failed: ${text}` } }
      : { call, error: { code, text, name, hint } }
  }
}

let last = Promise.resolve()
port.on('message', (message: ToThread | End) => {
  if (message.kind === 'end') process.exit()
  last = last.then(async () => port.postMessage(await answer(message)))
})
