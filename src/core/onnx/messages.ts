import type { ErrorCode } from '../errors.ts'
import type { ModelFacts, ModelUse } from './models.ts'
import type { Row, Value } from './row.ts'

/** What a thread of models is asked to do. */
export type Order =
  | { kind: 'open'; model: number; bytes: Uint8Array; use: ModelUse | undefined }
  | { kind: 'run'; model: number; rows: Row[] }
  | { kind: 'close'; model: number }
export type ToThread = Order & { call: number }
export type FromThread =
  | ({ call: number } & RunResult)
  | { call: number; error: { code: ErrorCode; text: string; name?: string | undefined; hint?: string | undefined } }

/** `facts` is what the file of a model that was opened says of itself. */
export type RunResult = { values: Value[]; took: number; facts?: ModelFacts }
