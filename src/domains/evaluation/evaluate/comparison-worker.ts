import { parentPort, workerData } from 'node:worker_threads'
import { compare, logisticAnswers, measureGolden } from '../comparison/comparison.ts'
import type { ComparisonInput } from './comparison-thread.ts'

const { pairs, settings, golden } = workerData as ComparisonInput
parentPort?.postMessage({
  comparison: compare(pairs, settings),
  representativeness: measureGolden(pairs, settings, golden),
  logistic: logisticAnswers(golden.items, golden),
})
