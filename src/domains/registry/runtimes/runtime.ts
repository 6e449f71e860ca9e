import type { Row, Value } from '../../../core/onnx/onnx.ts'
import type { UpstreamStream } from '../../../core/upstream/upstream.ts'
import type { AnswerMark } from '../answer-marks.ts'
import type { Provider } from '../spec/spec.ts'
import type { Json } from './messages.ts'

export type CallOptions = {
  /** Timeout of the answer; by default the spec's `limits.timeout`. */
  milliseconds?: number
  signal?: AbortSignal | undefined
  /** A copy of a request whose answer nobody waits for: it is marked as such and never repeated. */
  shadow?: boolean
  /** Called with the milliseconds of the computation alone, for models in a thread. */
  took?: (milliseconds: number) => void
  /** Called with the tokens that a language model counted. */
  spent?: (tokens: { input: number; output: number }) => void
  /** Called with what is to be said of a language model's answer. */
  marked?: (marks: AnswerMark[]) => void
  /** The most tokens that a language model may generate. */
  limit?: { max_tokens: number } | undefined
}

export type RuntimeState = {
  kind: 'constant' | 'onnx' | 'process' | 'upstream' | 'prompt'
  ready: boolean
  /** Processes started again after they ended. */
  restarts?: number
  memoryBytes?: number
  instances?: { url: string; state: 'closed' | 'open' | 'probing'; inFlight: number; ejections: number }[]
}

/** A loaded version: answers rows in order. */
export type Runtime = {
  predict(rows: Row[], asking?: CallOptions): Promise<Value[]>
  /** Only of prompts: the chat protocol of the provider. */
  chat?: Chat
  /** Only of constants: what every row is answered with. */
  constant?: number | string
  state(): RuntimeState
  close(): Promise<void>
}

/** The chat protocol of a language model, apart from rows. */
export type Chat = {
  provider: Provider
  /** The body for the provider, made from the caller's. */
  compose(body: Json): Json
  send(path: string, body: Json, asking: CallOptions): Promise<UpstreamStream>
}
