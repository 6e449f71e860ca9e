import { type Static, Type } from 'typebox'
import { Name, object, oneOf, optional } from '../../core/contract.ts'
import { Provider } from './answers-spec.ts'
import { LogSpec } from './log-spec.ts'

const Span = Type.String({ pattern: '^[0-9]+(ms|s|m)$', description: 'Such as 250ms, 10s, 1m' })
const Variable = Type.String({
  pattern: '^[A-Za-z_][A-Za-z0-9_]*$',
  description: "Name of the server's environment variable",
})
const Path = Type.String({ pattern: '^/[A-Za-z0-9._~/-]*$', maxLength: 256 })

/** How rows are asked for: Open Inference v2, MLflow's /invocations, KServe v1. */
const Protocol = oneOf(['oip', 'mlflow', 'kserve-v1'])

/** What both have that answer over HTTP. */
const speaks = {
  protocol: Protocol,
  model: optional(
    Type.String({ minLength: 1, maxLength: 255, description: 'Its name there; without it the name here' }),
  ),
  ready: optional(Path),
}

/** A process of its own for each version, started without a shell and asked on a port of its own. */
export const Run = object({
  ...speaks,
  command: Type.Array(Type.String({ minLength: 1 }), {
    minItems: 1,
    description: '{port}, {artifact} (a folder with the files of the version), {model} and {version} are filled in',
  }),
  start_within: optional(Span),
  memory: optional(
    Type.String({ pattern: '^[0-9]+(MB|GB)$', description: 'More than this ends it; it is started again' }),
  ),
  environment: optional(Type.Array(Variable)),
})
export type Run = Static<typeof Run>

/** Something that runs already: KServe, Triton, MLServer, BentoML, another gateway. */
export const UpstreamSpec = object({
  ...speaks,
  urls: Type.Array(Type.String({ pattern: '^https?://' }), { minItems: 1, maxItems: 16, description: 'Its instances' }),
  key: optional(Variable),
})
export type UpstreamSpec = Static<typeof UpstreamSpec>

const Money = Type.Number({ minimum: 0, description: "In the price table's currency" })

export const Limits = object({
  timeout: optional(Span),
  connect: optional(Span),
  concurrency: optional(Type.Integer({ minimum: 1, maximum: 4_096 })),
  queue: optional(Type.Integer({ minimum: 0, maximum: 65_536 })),
  /** What a language model may cost, kept before it is asked. */
  cost: optional(object({ per_request: optional(Money), per_day: optional(Money) })),
})
export type Limits = Static<typeof Limits>

/** What answers, what it reads, and how much it takes. */
export const Serves = object({
  service: optional(Name),
  output: oneOf(['binary', 'regression', 'multiclass', 'ranking', 'text']),
  provider: optional(Provider),
  positive: optional(Type.String({ description: 'The label column; 1 or true is the positive class' })),
  run: optional(Run),
  upstream: optional(UpstreamSpec),
  limits: optional(Limits),
  log: optional(LogSpec),
  /** What answers before the first release and when nothing else can, where no training set tells; a text's is empty. */
  default: optional(Type.Union([Type.Number(), Type.String({ maxLength: 10_000 })])),
  /** Threads of this server that hold the model (ONNX). */
  threads: optional(Type.Integer({ minimum: 1, maximum: 64 })),
  /** Gathers rows of several requests into one call of the model: at most `size`, none waiting longer than `wait`. */
  batch: optional(object({ size: Type.Integer({ minimum: 2, maximum: 1_024 }), wait: Span })),
})
