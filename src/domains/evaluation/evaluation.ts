export { evaluate, getEvaluation, listEvaluations } from './evaluate.ts'
export { getGate, latestGate, listGates, runGate } from './gate.ts'
export { addGoldenItems, applyGolden, getGolden, goldenDigest, listGolden, pushGolden } from './golden.ts'
export { planGate } from './plan.ts'
