import { parentPort } from 'node:worker_threads'
import { toAppError } from '../errors.ts'
import { type OnnxModel, openOnnx, type Value } from './models.ts'
import type { FromThread, ToThread } from './thread.ts'
import type { End } from './thread-exit.ts'

/** One thread of models. What comes is done in order and one at a time, so the oldest unanswered call is the one at work. */
const models = new Map<number, OnnxModel>()
const port = parentPort
if (!port) throw new Error('This file runs as a worker thread.')

async function work(message: ToThread): Promise<Value[]> {
  const { kind, model } = message
  if (kind === 'open') models.set(model, await openOnnx(message.bytes))
  if (kind === 'close') {
    await models.get(model)?.close()
    models.delete(model)
  }
  if (kind !== 'run') return []
  const opened = models.get(model)
  if (!opened) throw new Error(`Model ${model} is not open in this thread.`)
  return opened.predict(message.rows)
}

async function answer(message: ToThread): Promise<FromThread> {
  const { call } = message
  try {
    const started = performance.now()
    const values = await work(message)
    return { call, values, took: performance.now() - started }
  } catch (thrown) {
    const { code, message: text } = toAppError(thrown)
    return code === 'internal'
      ? { call, error: { code: 'upstream_failed', text: `The model failed: ${text}` } }
      : { call, error: { code, text } }
  }
}

let last = Promise.resolve()
port.on('message', (message: ToThread | End) => {
  if (message.kind === 'end') process.exit()
  last = last.then(async () => port.postMessage(await answer(message)))
})
