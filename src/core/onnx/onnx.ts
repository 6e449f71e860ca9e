export type { Row, Value } from './models.ts'
export { openPooledOnnx, stopOnnxThreads, threadRestarts } from './pool.ts'
