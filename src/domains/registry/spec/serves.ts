import type { Static } from 'typebox'
import { duration, Name, object, oneOf, optional } from '../../../core/contract.ts'
import { waiting } from '../../../core/duration.ts'
import { Type } from '../../../core/shapes/shapes.ts'
import { Provider } from './answers.ts'
import { LogSpec } from './log.ts'

const wait = (description: string) => duration(description, { units: waiting })
const Variable = Type.String({
  pattern: '^[A-Za-z_][A-Za-z0-9_]*$',
  description: "Name of the server's environment variable",
})
const Path = Type.String({
  pattern: '^/[A-Za-z0-9._~/-]*$',
  maxLength: 256,
  description: 'Path that answers 200 when it is ready; without it the one of the protocol',
})

const Protocol = oneOf(['oip', 'mlflow', 'kserve-v1'], {
  description: "How rows are asked for: Open Inference v2, MLflow's /invocations, KServe v1",
})

/** The fields that processes and upstreams share: both answer over HTTP. */
const speaks = {
  protocol: Protocol,
  model: optional(
    Type.String({ minLength: 1, maxLength: 255, description: 'Its name there; without it the name here' }),
  ),
  ready: optional(Path),
}

/** One process for each version, started without a shell, with a port of its own. */
export const Run = object({
  ...speaks,
  command: Type.Array(Type.String({ minLength: 1 }), {
    minItems: 1,
    description: '{port}, {artifact} (a folder with the files of the version), {model} and {version} are filled in',
  }),
  start_within: optional(wait('So long it may take to be ready, such as 90s; 60s')),
  memory: optional(
    Type.String({ pattern: '^[0-9]+(MB|GB)$', description: 'More than this ends it; it is started again' }),
  ),
  environment: optional(
    Type.Array(Variable, { description: "Names of the server's environment variables that it may see" }),
  ),
})
export type Run = Static<typeof Run>

/** A server that runs already: KServe, Triton, MLServer, BentoML, another gateway. */
export const UpstreamSpec = object({
  ...speaks,
  urls: Type.Array(Type.String({ pattern: '^https?://' }), { minItems: 1, maxItems: 16, description: 'Its instances' }),
  key: optional(Variable),
})
export type UpstreamSpec = Static<typeof UpstreamSpec>

const Money = Type.Number({ minimum: 0, description: "In the price table's currency" })

export const Limits = object({
  timeout: optional(wait('For a whole answer; 10s, of a language model 60s')),
  connect: optional(wait('For a connection to an upstream; 1s')),
  concurrency: optional(Type.Integer({ minimum: 1, maximum: 4_096, description: 'Requests at work at once' })),
  queue: optional(
    Type.Integer({ minimum: 0, maximum: 65_536, description: 'Requests that may wait; more are refused with 429' }),
  ),
  cost: optional(
    object(
      { per_request: optional(Money), per_day: optional(Money) },
      { description: 'What a language model may cost, kept before it is asked' },
    ),
  ),
})
export type Limits = Static<typeof Limits>

/** What answers, which inputs it reads, and its limits. */
export const Serves = object({
  service: optional(Name),
  output: oneOf(['binary', 'regression', 'multiclass', 'ranking', 'text'], { description: 'What it answers' }),
  provider: optional(Provider),
  list: optional(
    Type.String({
      minLength: 1,
      description: 'ranking: the input that says which rows are ranked among each other; without it those of one unit',
    }),
  ),
  gen_ai: optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 255 }), {
      minItems: 1,
      maxItems: 100,
      description: 'Names of models in gen_ai spans that are its predictions, such as gpt-4o-mini',
    }),
  ),
  positive: optional(Type.String({ description: 'The label column; 1 or true is the positive class' })),
  missing: optional(
    Type.Array(Type.String(), {
      description: 'Inputs that may be missing, besides those of which the signature says so',
    }),
  ),
  run: optional(Run),
  upstream: optional(UpstreamSpec),
  limits: optional(Limits),
  log: optional(LogSpec),
  default: optional(
    Type.Union([Type.Number(), Type.String({ maxLength: 10_000 })], {
      description:
        "What answers before the first release and when nothing else can, where no training set tells; a text's is empty",
    }),
  ),
  threads: optional(
    Type.Integer({ minimum: 1, maximum: 64, description: 'Threads of this server that hold the model (ONNX); 1' }),
  ),
  batch: optional(
    object(
      { size: Type.Integer({ minimum: 2, maximum: 1_024, description: 'Rows at most' }), wait: wait('Such as 5ms') },
      { description: 'Gathers rows of several requests into one call of the model, none waiting longer than `wait`' },
    ),
  ),
})
