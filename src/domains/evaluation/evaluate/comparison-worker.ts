import { parentPort, workerData } from 'node:worker_threads'
import { compare } from '../comparison/comparison.ts'
import { logisticAnswers, measureGolden } from '../production/production.ts'
import type { Aside } from './comparison-thread.ts'

const { pairs, question, golden } = workerData as Aside
parentPort?.postMessage({
  comparison: compare(pairs, question),
  representativeness: measureGolden(pairs, question, golden),
  logistic: logisticAnswers(golden.items, golden),
})
