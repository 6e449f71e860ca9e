import {
  contract,
  Estimate,
  JsonObject,
  Name,
  object,
  oneOf,
  optional,
  page,
  paging,
  Time,
} from '../../core/contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { Mark, Marks } from '../registry/contract.ts'
import { ModelImports } from './import-shapes.ts'
import { Outcome } from './outcome-shapes.ts'
import { Label, Prediction, RecordedPrediction, Value } from './prediction-shapes.ts'

export { Prediction }

/** Who answers what share of an endpoint's traffic. Written by delivery, read by the gateway from memory. */
export const Routing = object({
  endpoint: Name,
  /** Grows with every change; servers follow the largest. */
  revision: Type.Integer(),
  live: object({ release: Type.String(), version: Type.Integer() }),
  canary: Type.Union([
    object({
      release: Type.String(),
      version: Type.Integer(),
      share: Type.Number({ minimum: 0, maximum: 1 }),
      salt: Type.String(),
    }),
    Type.Null(),
  ]),
  shadow: Type.Union([object({ release: Type.String(), version: Type.Integer() }), Type.Null()]),
  /** Kept loaded so that a rollback is one pointer write. */
  warm: Type.Array(object({ release: Type.String(), version: Type.Integer() })),
})

/** A loaded version: what it runs on, and how busy it is. */
const LoadedVersion = object({
  release: Type.String(),
  version: Type.Integer(),
  kind: oneOf(['constant', 'onnx', 'process', 'upstream', 'prompt']),
  ready: Type.Boolean(),
  running: Type.Integer({ description: 'Calls at this moment' }),
  waiting: Type.Integer({ description: 'Calls in the queue before it' }),
  refused: Type.Integer({ description: 'Calls turned away because the queue was full' }),
  restarts: optional(Type.Integer({ description: 'Of its process' })),
  memoryBytes: optional(Type.Integer({ description: 'Resident memory of its process' })),
  instances: optional(
    Type.Array(
      object({
        url: Type.String(),
        state: oneOf(['closed', 'open', 'probing'], { description: 'Of its breaker: open means ejected' }),
        inFlight: Type.Integer(),
        ejections: Type.Integer(),
      }),
    ),
  ),
})

export const Endpoint = object({
  name: Name,
  routing: Routing,
  ready: Type.Boolean(),
  requests: Type.Integer({ description: 'Answered since this server started' }),
  dropped: Type.Integer({ description: 'Log records lost because the buffer was full' }),
  stoodIn: Type.Integer({ description: 'Answers that another release gave for one that could not' }),
  shadowsDropped: Type.Integer({ description: 'Copies of requests that no shadow was asked about; of all endpoints' }),
  spentToday: Type.Number({
    description:
      "What was spent on language models today (UTC), in the price table's currency: by this server, and, where a day has a bound, by all servers as far as they have reported",
  }),
  versions: Type.Array(LoadedVersion),
  notLoaded: Type.Array(
    object({
      release: Type.String(),
      version: Type.Integer(),
      state: oneOf(['loading', 'failed'], { description: 'Failed: it is tried again, and meanwhile stood in for' }),
      reason: Type.Union([Type.String(), Type.Null()], { description: 'Why it could not be started' }),
    }),
    { description: 'Releases that are to answer, or that a rollback goes back to, and are not loaded' },
  ),
  inputs: Type.Array(object({ name: Type.String(), type: oneOf(['number', 'string']) }), {
    description: 'What a caller has to send now',
  }),
})

export const serving = contract({
  listEndpoints: {
    method: 'GET',
    path: '/endpoints',
    role: 'viewer',
    summary: 'Endpoints with who answers what share',
    input: object(paging),
    output: page(Endpoint),
  },
  getEndpoint: {
    method: 'GET',
    path: '/endpoints/:endpoint',
    role: 'viewer',
    summary: 'One endpoint',
    input: object({ endpoint: Name }),
    output: Endpoint,
  },
  shadow: {
    method: 'GET',
    path: '/endpoints/:endpoint/shadow',
    role: 'viewer',
    summary: 'What a shadow answered against what callers got: disagreement, differences, latency and cost',
    input: object({
      endpoint: Name,
      release: optional(Type.String({ description: 'Without it the one that is or was last a shadow' })),
      from: optional(Time),
      to: optional(Time),
    }),
    output: object({
      endpoint: Name,
      release: Type.Union([Type.String(), Type.Null()]),
      from: Type.Union([Time, Type.Null()]),
      to: Type.Union([Time, Type.Null()]),
      pairs: Type.Integer({ description: 'Requests that both were asked about' }),
      failed: Type.Integer({ description: 'Of these, those that the shadow could not answer' }),
      dropped: Type.Integer({ description: 'Copies that no shadow was asked about, since this server started' }),
      disagreement: Estimate,
      difference: object({
        mean: Estimate,
        absoluteP95: Estimate,
        largest: Type.Union([Type.Number(), Type.Null()]),
      }),
      latency: object({ caller: Estimate, shadow: Estimate }, { description: 'p95 in milliseconds' }),
      cost: object({ caller: Estimate, shadow: Estimate }, { description: 'Mean of an answer' }),
      examples: Type.Array(object({ id: Type.String(), caller: Value, shadow: Value })),
    }),
  },
  predict: {
    method: 'POST',
    path: '/predict/:endpoint',
    role: 'viewer',
    summary: 'Answers from the release that the routing chooses for the unit',
    exactIntegers: true,
    input: object({
      endpoint: Name,
      inputs: JsonObject,
      id: optional(Type.String({ minLength: 1, maxLength: 128, description: 'Your identifier; labels refer to it' })),
      unit: optional(
        Type.String({
          minLength: 1,
          maxLength: 256,
          description: 'User or session: keeps its arm while a rollout grows',
        }),
      ),
    }),
    output: object({
      id: Type.String(),
      output: Type.Union([Type.Number(), Type.String()]),
      release: Type.String(),
      version: Type.Integer(),
      marks: Marks,
    }),
  },
  predictBatch: {
    method: 'POST',
    path: '/predict/:model/batch',
    role: 'viewer',
    summary: 'Answers for rows of a file, beside the traffic: neither logged nor counted',
    bodyLimit: 64 * 1024 * 1024,
    exactIntegers: true,
    input: object({
      model: Name,
      version: optional(Type.Integer({ minimum: 0, description: 'Without it the live one' })),
      rows: Type.Array(JsonObject, {
        maxItems: 10_000,
        description: 'Without any, it tells the fields that rows need',
      }),
      times: optional(Type.Array(Type.String(), { description: 'For each row: features as they were known then' })),
    }),
    output: object({
      version: Type.Integer(),
      fields: Type.Array(object({ name: Type.String(), type: oneOf(['number', 'string']) })),
      outputs: Type.Array(Value, { description: 'In the order of the rows; null for one with an error' }),
      errors: Type.Array(object({ row: Type.Integer(), name: Type.String(), message: Type.String() })),
      marks: Type.Array(object({ row: Type.Integer(), marks: Marks }), {
        description: 'Of the rows that have any',
      }),
    }),
  },
  recordPredictions: {
    method: 'POST',
    path: '/endpoints/:endpoint/predictions',
    role: 'member',
    summary: 'Writes down predictions that a service of your own made, each id once; on disk when it answers',
    bodyLimit: 64 * 1024 * 1024,
    exactIntegers: true,
    input: object({
      endpoint: Name,
      predictions: Type.Array(RecordedPrediction, { minItems: 1, maxItems: 10_000 }),
    }),
    output: object({
      accepted: Type.Integer(),
      known: Type.Integer({ description: 'Ids that were recorded before' }),
      sampledOut: Type.Integer({ description: 'Left out by the sample of the spec' }),
    }),
  },
  label: {
    method: 'POST',
    path: '/labels',
    role: 'member',
    summary: 'Tells what turned out, by prediction id; the first label of an id stays unless it is corrected later',
    input: object({
      endpoint: Name,
      labels: Type.Array(Label, {
        minItems: 1,
        maxItems: 10_000,
      }),
    }),
    output: object({
      accepted: Type.Integer(),
      replaced: Type.Integer({ description: 'Ids that had a label already' }),
    }),
  },
  recordOutcomes: {
    method: 'POST',
    path: '/outcomes',
    role: 'member',
    summary: 'Tells what followed beside the label (thumbs, conversion, revenue), of a prediction or a unit',
    input: object({
      endpoint: Name,
      outcomes: Type.Array(Outcome, { minItems: 1, maxItems: 10_000 }),
    }),
    output: object({
      accepted: Type.Integer(),
      replaced: Type.Integer({ description: 'Ids that were there already' }),
    }),
  },
  listImports: {
    method: 'GET',
    path: '/imports',
    role: 'viewer',
    summary: 'Labels and predictions that come by themselves: from which source, how far, and what of it fitted',
    input: object({ model: optional(Name) }),
    output: page(ModelImports),
  },
  runImports: {
    method: 'POST',
    path: '/models/:model/imports',
    role: 'member',
    summary: 'Looks for new predictions and labels of a model now, in the sources that its spec names',
    input: object({ model: Name }),
    output: ModelImports,
  },
  listPredictions: {
    method: 'GET',
    path: '/predictions',
    role: 'viewer',
    summary: 'Logged predictions of an endpoint, newest first',
    input: object({
      endpoint: Name,
      from: optional(Time),
      to: optional(Time),
      release: optional(Type.String()),
      mark: optional(Mark),
      limit: paging.limit,
    }),
    output: page(Prediction),
  },
  getPrediction: {
    method: 'GET',
    path: '/predictions/:prediction',
    role: 'viewer',
    summary: 'One logged prediction with the features it used',
    input: object({ prediction: Type.String({ maxLength: 128 }) }),
    output: Prediction,
  },
  replay: {
    method: 'POST',
    path: '/predictions/:prediction/replay',
    role: 'viewer',
    summary: 'Runs a logged prediction again, on any version of its model, and recomputes its features as of then',
    input: object({ prediction: Type.String({ maxLength: 128 }), version: optional(Type.Integer({ minimum: 1 })) }),
    output: object({
      logged: Prediction,
      version: Type.Integer(),
      recomputed: Type.Record(Type.String(), Value),
      differing: Type.Array(Type.String()),
      output: Type.Union([Type.Number(), Type.String()]),
    }),
  },
})
