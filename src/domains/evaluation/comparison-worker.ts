import { parentPort, workerData } from 'node:worker_threads'
import { compare, type Pairs, type Question } from './comparison.ts'

const { pairs, question } = workerData as { pairs: Pairs; question: Question }
parentPort?.postMessage(compare(pairs, question))
