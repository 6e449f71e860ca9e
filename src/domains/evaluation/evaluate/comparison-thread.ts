import { Worker } from 'node:worker_threads'
import { type Comparison, checkQuestion, type Pairs, type Question } from '../comparison/comparison.ts'
import type { GoldenFacts, Representativeness } from '../production/production.ts'

/** The worker beside this file, in the source as in the built package. */
const worker = new URL(import.meta.url.replace(/comparison-thread\.(\w+)$/, 'comparison-worker.$1'))

export type Aside = { pairs: Pairs; question: Question; golden: GoldenFacts }
type Compared = {
  comparison: Comparison
  representativeness: Representativeness
  /** What a logistic regression answers to each item. */
  logistic: number[] | null
}

/** `compare` in a thread of its own: resampling takes seconds on large sets, and predictions must not wait for it. */
export async function compareAside(given: Aside): Promise<Compared> {
  checkQuestion(given.question)
  return new Promise<Compared>((resolve, reject) => {
    const thread = new Worker(worker, { workerData: given })
    thread.once('message', resolve)
    thread.once('error', reject)
    thread.once('exit', (code) => reject(new Error(`The comparison ended early with code ${code}`)))
  })
}
