export type { ModelUse } from './models.ts'
export { openPooledOnnx, stopOnnxThreads, threadRestarts } from './pool.ts'
export type { Row, Value } from './row.ts'
