import { Worker } from 'node:worker_threads'
import { type Comparison, checkQuestion, type Pairs, type Question } from './comparison.ts'

/** The worker beside this file, in the source as in the built package. */
const worker = new URL(import.meta.url.replace(/compare-aside\.(\w+)$/, 'comparison-worker.$1'))

/** `compare` in a thread of its own: resampling takes seconds on large sets, and predictions must not wait for it. */
export async function compareAside(pairs: Pairs, question: Question): Promise<Comparison> {
  checkQuestion(question)
  return new Promise<Comparison>((resolve, reject) => {
    const thread = new Worker(worker, { workerData: { pairs, question } })
    thread.once('message', resolve)
    thread.once('error', reject)
    thread.once('exit', (code) => reject(new Error(`The comparison ended early with code ${code}`)))
  })
}
