import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import {
  type Comparison,
  type ComparisonSettings,
  type GoldenFacts,
  type Pairs,
  type Representativeness,
  requireQualityMetric,
} from '../comparison/comparison.ts'

/** Beside this file, in the source as in the built package. */
const worker = new URL(`./comparison-worker${extname(import.meta.url)}`, import.meta.url)

export type ComparisonInput = { pairs: Pairs; settings: ComparisonSettings; golden: GoldenFacts }
type ComparisonOutput = {
  comparison: Comparison
  representativeness: Representativeness
  /** The answer of a logistic regression to each item. */
  logistic: number[] | null
}

/** Runs `compare` in a thread: resampling takes seconds on large sets, and predictions must not wait for it. */
export async function compareInThread(input: ComparisonInput): Promise<ComparisonOutput> {
  requireQualityMetric(input.settings)
  return new Promise<ComparisonOutput>((resolve, reject) => {
    const thread = new Worker(worker, { workerData: input })
    thread.once('message', resolve)
    thread.once('error', reject)
    thread.once('exit', (code) => reject(new Error(`The comparison ended early with code ${code}`)))
  })
}
