import { availableParallelism } from 'node:os'
import { type Context, liveValue } from '../context.ts'
import type { ModelFacts, OnnxModel } from './models.ts'
import { createOnnxThread, type OnnxThread } from './thread.ts'
import type { ModelSource } from './thread-models.ts'

type PoolOptions = ModelSource & {
  /** `live` answers requests. Everything else shares one other thread, so that a gate slows no prediction. */
  purpose: 'live' | 'background'
  /** Threads that hold a copy (default 1). */
  copies?: number | undefined
}

type Threads = { live: OnnxThread[]; background: OnnxThread[] }

const threadsOf = (ctx: Context) => liveValue(ctx, 'onnx.threads', (): Threads => ({ live: [], background: [] }))

/** One core stays for the requests themselves. */
const liveThreads = Math.max(1, availableParallelism() - 1)

/** Opens a model in worker threads; its calls go to the least busy copy. */
export async function openPooledOnnx(
  ctx: Context,
  { name, read, use, purpose, copies = 1 }: PoolOptions,
): Promise<OnnxModel & { facts: ModelFacts | undefined }> {
  const threads = leastLoaded(ctx, purpose, copies)
  const held: { thread: OnnxThread; model: number; facts: ModelFacts | undefined }[] = []
  const close = async () => {
    await Promise.all(held.map(({ thread, model }) => thread.close(model)))
  }
  try {
    for (const thread of threads) held.push({ thread, ...(await thread.open({ name, read, use })) })
  } catch (error) {
    await close()
    throw error
  }
  return {
    async predict(rows, took) {
      if (rows.length === 0) return []
      let best = held[0]
      for (const copy of held) if (best && copy.thread.load().calls < best.thread.load().calls) best = copy
      if (!best) return []
      const done = await best.thread.run(best.model, rows)
      took?.(done.took)
      return done.values
    },
    close,
    facts: held[0]?.facts,
  }
}

function leastLoaded(ctx: Context, purpose: 'live' | 'background', copies: number): OnnxThread[] {
  const threads = threadsOf(ctx)[purpose]
  const most = purpose === 'live' ? Math.max(liveThreads, copies) : 1
  const wanted = Math.min(copies, most)
  const idle = threads.filter((thread) => thread.load().models === 0).length
  for (let count = idle; count < wanted && threads.length < most; count++) threads.push(createOnnxThread(ctx))
  return [...threads].sort((a, b) => a.load().models - b.load().models).slice(0, wanted)
}

export function threadRestarts(ctx: Context): number {
  const { live, background } = threadsOf(ctx)
  return [...live, ...background].reduce((sum, thread) => sum + thread.restarts(), 0)
}

export async function stopOnnxThreads(ctx: Context): Promise<void> {
  const { live, background } = threadsOf(ctx)
  await Promise.all([...live, ...background].map((thread) => thread.stop()))
}
