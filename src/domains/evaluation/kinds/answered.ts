import type { Value } from '../../../core/onnx/onnx.ts'
import type { Label } from './labels.ts'

/** A prediction with what turned out, as the log has them. */
export type Logged = {
  id: string
  unit: string
  output: Value
  label: Label | null
  inputs: Record<string, Value>
}

/** An answer that can be judged. */
export type Answered = {
  id: string
  unit: string
  list: string
  output: Value
  label: Label | null
  /** Of a text, by scorer. */
  scores: Record<string, number | null>
}
