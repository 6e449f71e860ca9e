import type { Static } from 'typebox'
import { duration, Name, object, oneOf, optional } from '../../../core/contract.ts'
import { waiting } from '../../../core/duration.ts'
import { Type } from '../../../core/shapes/shapes.ts'

const Wait = duration('Such as 30s', { units: waiting })

/** A provider that speaks OpenAI's chat protocol. The key itself stays in the server's environment. */
export const Provider = object({
  url: Type.String({ pattern: '^https?://', description: 'Up to /v1, such as https://api.example.com/v1' }),
  model: Type.String({ minLength: 1, description: 'Its name at the provider' }),
  key: optional(
    Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$', description: "Name of the server's environment variable" }),
  ),
  temperature: optional(
    Type.Number({ minimum: 0, maximum: 2, description: "Sent as it is; without it none is sent but the caller's" }),
  ),
  seed: optional(Type.Integer({ description: 'Sent as it is' })),
  max_tokens: optional(Type.Integer({ minimum: 1, description: 'Of an answer, at most' })),
  bound: optional(
    oneOf(['max_tokens', 'max_completion_tokens'], {
      description: "The name under which it reads a bound on tokens; without it the caller's, else max_tokens",
    }),
  ),
  parts: optional(
    Type.Array(oneOf(['image_url', 'input_audio', 'file', 'video_url']), {
      description: 'Parts of messages that it takes besides text; without it all are passed on, and it decides',
    }),
  ),
  timeout: optional(Wait),
})
export type Provider = Static<typeof Provider>

/** How an answer of text becomes a score in 0 … 1; its name is a metric of the model. */
export const Scorer = object({
  name: Name,
  kind: oneOf(['exact', 'contains', 'regex', 'json_schema', 'command', 'judge'], { description: 'Who decides' }),
  ignore_case: optional(Type.Boolean({ description: 'exact, contains' })),
  pattern: optional(Type.String({ description: 'regex; without it the label is the pattern' })),
  schema: optional(Type.Record(Type.String(), Type.Unknown(), { description: 'json_schema' })),
  command: optional(
    Type.Array(Type.String({ minLength: 1 }), {
      minItems: 1,
      description: 'Reads one JSON object a line, writes {"id", "score"} for each; run without a shell',
    }),
  ),
  timeout: optional(Wait),
  provider: optional(Provider),
  rubric: optional(Type.String({ minLength: 10, description: 'judge: when an answer is good' })),
  golden: optional(Type.String({ description: 'judge: a golden set of answers that people judged' })),
  agreement: optional(
    Type.Number({ minimum: 0, maximum: 1, description: 'judge: least kappa with those people (default 0.6)' }),
  ),
})
export type Scorer = Static<typeof Scorer>
