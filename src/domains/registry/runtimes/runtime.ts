import type { Row, Value } from '../../../core/onnx/onnx.ts'
import type { UpstreamStream } from '../../../core/upstream/upstream.ts'
import type { Provider } from '../spec/spec.ts'
import type { Json } from './messages.ts'

export type CallOptions = {
  /** For the answer; without it the spec's `limits.timeout`. */
  milliseconds?: number
  signal?: AbortSignal | undefined
  /** A copy of a request whose answer nobody waits for: it says so, and is never repeated. */
  shadow?: boolean
  /** Hears the milliseconds of the computation alone, where it is done in another thread. */
  took?: (milliseconds: number) => void
  /** Hears what a language model counted. */
  spent?: (tokens: { input: number; output: number }) => void
  /** What a language model may at most generate. */
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
  /** Of a prompt: the provider's own protocol. */
  chat?: Chat
  state(): RuntimeState
  close(): Promise<void>
}

/** What a language model answers with, beside rows: its own protocol. */
export type Chat = {
  provider: Provider
  /** The body that the provider gets for a caller's. */
  compose(body: Json): Json
  send(path: string, body: Json, asking: CallOptions): Promise<UpstreamStream>
}
