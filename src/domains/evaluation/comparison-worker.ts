import { parentPort, workerData } from 'node:worker_threads'
import type { Aside } from './compare-aside.ts'
import { compare } from './comparison.ts'
import { logisticAnswers, measureGolden } from './golden-measure.ts'

const { pairs, question, golden } = workerData as Aside
parentPort?.postMessage({
  comparison: compare(pairs, question),
  representativeness: measureGolden(pairs, question, golden),
  logistic: logisticAnswers(golden.items, golden),
})
