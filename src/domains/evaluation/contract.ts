import { Type } from 'typebox'
import {
  contract,
  DigestText,
  JsonObject,
  Name,
  object,
  oneOf,
  optional,
  page,
  paging,
  Time,
} from '../../core/contract.ts'
import { Evaluation, Verdict } from './shapes.ts'

export { Verdict }

/** Declared in `keel.yaml` under `golden:`; the file beside it holds the items. */
export const GoldenFile = object({
  golden: Name,
  file: Type.String({ description: 'CSV or JSONL with the items, from the folder of the project' }),
  id: Type.String({ description: 'Column that identifies an item' }),
  time: optional(
    Type.String({ description: 'Column with the moment of the decision; features are looked up as of it' }),
  ),
  label: Type.String({ description: 'Column with what is right: outcome, class, relevance, or the expected text' }),
  slices: optional(Type.Array(Type.String(), { description: 'Columns whose values are looked at one by one' })),
  list: optional(Type.String({ description: 'ranking: column that says which items are ranked among each other' })),
  cluster: optional(
    Type.String({ description: 'Column of the user or document; items that share it are not independent' }),
  ),
  hidden: optional(
    Type.Number({
      minimum: 0,
      maximum: 0.5,
      description: 'Share of items that nobody may see, drawn anew each version',
    }),
  ),
  provenance: optional(Type.String({ description: 'Where the items are from, for those that say nothing themselves' })),
})

export const GoldenSet = object({
  name: Name,
  version: Type.Integer({ minimum: 1 }),
  digest: DigestText,
  items: Type.Integer(),
  columns: Type.Array(Type.String()),
  definition: GoldenFile,
  uses: Type.Integer({ description: 'How many gates looked at this version' }),
  createdAt: Time,
})

const AnyValue = Type.Union([Type.Number(), Type.String(), Type.Null()])

const ItemAnswers = object({
  answers: Type.Array(AnyValue, { description: 'One for each repeat' }),
  scores: Type.Record(Type.String(), Type.Array(Type.Union([Type.Number(), Type.Null()]))),
})

const PriceTable = object({
  digest: Type.Union([DigestText, Type.Null()]),
  prices: Type.Record(Type.String(), Type.Number()),
  createdAt: Type.Union([Time, Type.Null()]),
  createdBy: Type.Union([Type.String(), Type.Null()]),
})

export const TrafficRow = object({
  at: Time,
  inputs: Type.Record(Type.String(), AnyValue),
  output: AnyValue,
  version: Type.Integer({ minimum: 0 }),
  label: Type.Union([Type.Number(), Type.String(), Type.Null()]),
})

const TrafficSample = object({
  model: Name,
  from: Time,
  to: Time,
  rows: Type.Integer(),
  digest: DigestText,
  createdAt: Time,
})

/** One condition of a gate, with everything needed to judge it. */
export const Check = object({
  check: Type.String({ description: 'quality, floor auc, guardrail bias, slice origin=ORD, parity origin_late_3h …' }),
  verdict: Verdict,
  required: Type.Boolean({ description: 'A failed warning does not fail the gate' }),
  value: Type.Union([Type.Number(), Type.Null()]),
  lower: optional(Type.Union([Type.Number(), Type.Null()])),
  upper: optional(Type.Union([Type.Number(), Type.Null()])),
  limit: Type.Union([Type.Number(), Type.Null()]),
  n: Type.Integer(),
  reason: Type.String({ description: 'In words' }),
})

export const Gate = object({
  id: Type.String(),
  model: Name,
  version: Type.Integer(),
  verdict: Verdict,
  summary: Type.String(),
  checks: Type.Array(Check),
  evaluation: Type.Union([Type.String(), Type.Null()]),
  /**
   * Digests of all that the verdict depends on: the same evidence gives the same verdict. Measured times are under
   * `measured` and not part of the digest, because no two measurements are alike.
   */
  evidence: JsonObject,
  digest: DigestText,
  createdAt: Time,
})

export const RerunFrom = oneOf(['models', 'record'], {
  description: 'Whether models answer again, or recorded answers are judged',
})

export const evaluation = contract({
  pushGolden: {
    method: 'PUT',
    path: '/golden/:golden',
    role: 'member',
    summary: 'A new immutable version of a golden set; unchanged items give the same version',
    bodyLimit: 64 * 1024 * 1024,
    exactIntegers: true,
    input: object({
      golden: Name,
      definition: GoldenFile,
      items: Type.Array(JsonObject, { minItems: 1, maxItems: 100_000 }),
    }),
    output: GoldenSet,
  },
  listGolden: {
    method: 'GET',
    path: '/golden',
    role: 'viewer',
    summary: 'Golden sets, each in its newest version',
    input: object(paging),
    output: page(GoldenSet),
  },
  getGolden: {
    method: 'GET',
    path: '/golden/:golden',
    role: 'viewer',
    summary: 'A golden set, newest or given version',
    input: object({ golden: Name, version: optional(Type.Integer({ minimum: 1 })) }),
    output: GoldenSet,
  },
  evaluate: {
    method: 'POST',
    path: '/evaluations',
    role: 'member',
    summary: 'Runs a version and its baseline on the same golden items, paired',
    input: object({
      model: Name,
      version: Type.Integer({ minimum: 1 }),
      golden: optional(Name),
      against: optional(Type.String({ description: 'live (default), baseline, or a version number' })),
    }),
    output: Evaluation,
  },
  getEvaluation: {
    method: 'GET',
    path: '/evaluations/:evaluation',
    role: 'viewer',
    summary: 'One evaluation',
    input: object({ evaluation: Name }),
    output: Evaluation,
  },
  listEvaluations: {
    method: 'GET',
    path: '/evaluations',
    role: 'viewer',
    summary: 'Evaluations, newest first',
    input: object({ model: optional(Name), ...paging }),
    output: page(Evaluation),
  },
  runGate: {
    method: 'POST',
    path: '/gates',
    role: 'member',
    summary: 'May this version ship? Every success criterion of the spec, judged together, recorded with its evidence',
    input: object({ model: Name, version: Type.Integer({ minimum: 1 }) }),
    output: Gate,
  },
  getGate: {
    method: 'GET',
    path: '/gates/:gate',
    role: 'viewer',
    summary: 'One gate result',
    input: object({ gate: Name }),
    output: Gate,
  },
  listGates: {
    method: 'GET',
    path: '/gates',
    role: 'viewer',
    summary: 'Gate results, newest first',
    input: object({ model: optional(Name), version: optional(Type.Integer({ minimum: 1 })), ...paging }),
    output: page(Gate),
  },
  planGate: {
    method: 'GET',
    path: '/models/:model/gate-plan',
    role: 'viewer',
    summary: 'What the golden set can prove, before a margin is chosen',
    input: object({ model: Name }),
    output: object({
      golden: Name,
      items: Type.Integer(),
      metric: Type.String(),
      margin: Type.Number(),
      smallestMargin: Type.Union([Type.Number(), Type.Null()]),
      explanation: Type.String(),
    }),
  },
  planMargin: {
    method: 'GET',
    path: '/gate-plan',
    role: 'viewer',
    summary:
      'What a number of items can prove, before there is a spec: for right/wrong answers, or by the spread of differences',
    input: object({
      golden: optional(Name),
      items: optional(Type.Integer({ minimum: 1, maximum: 10_000_000 })),
      discordance: optional(
        Type.Number({ minimum: 0, maximum: 1, description: 'Share of items on which the two models disagree' }),
      ),
      deviation: optional(
        Type.Number({ exclusiveMinimum: 0, description: 'Standard deviation of the differences of graded answers' }),
      ),
      margin: optional(Type.Number({ exclusiveMinimum: 0, maximum: 1, description: 'How many items would prove it?' })),
    }),
    output: object({
      items: Type.Integer(),
      /** The smallest margin by share of disagreement, or for the given deviation. */
      margins: Type.Array(
        object({
          discordance: Type.Union([Type.Number(), Type.Null()]),
          deviation: Type.Union([Type.Number(), Type.Null()]),
          smallestMargin: Type.Number(),
          itemsForMargin: Type.Union([Type.Integer(), Type.Null()]),
        }),
      ),
      explanation: Type.String(),
    }),
  },
  rerunGate: {
    method: 'POST',
    path: '/gates/:gate/rerun',
    role: 'member',
    summary: 'Judges a gate again on what it looked at then; the record itself never changes',
    input: object({
      gate: Name,
      from: optional(RerunFrom),
    }),
    output: object({
      gate: Type.String(),
      from: oneOf(RerunFrom.enum),
      recorded: Verdict,
      verdict: Verdict,
      same: Type.Boolean(),
      sameEvidence: Type.Boolean(),
      differences: Type.Array(Type.String({ description: 'Path in the evidence that is not as it was' })),
      summary: Type.String(),
      checks: Type.Array(Check),
    }),
  },
  listItems: {
    method: 'GET',
    path: '/golden/:golden/items',
    role: 'viewer',
    summary: 'Items of a golden set with who brought them, when and from where; hidden ones only for admins',
    input: object({ golden: Name, version: optional(Type.Integer({ minimum: 1 })), ...paging }),
    output: page(
      object({
        id: Type.String(),
        item: JsonObject,
        hidden: Type.Boolean(),
        provenance: object({ id: optional(Type.String()), by: Type.String(), at: Time, from: Type.String() }),
      }),
    ),
  },
  listOutputs: {
    method: 'GET',
    path: '/evaluations/:evaluation/outputs',
    role: 'viewer',
    summary: 'What both sides answered to each item; hidden ones only for admins',
    input: object({ evaluation: Name, ...paging }),
    output: page(
      object({
        id: Type.String(),
        label: Type.Unknown(),
        hidden: Type.Boolean(),
        candidate: ItemAnswers,
        baseline: ItemAnswers,
      }),
    ),
  },
  listMetrics: {
    method: 'GET',
    path: '/metrics-registry',
    role: 'viewer',
    summary: 'Every metric that a spec may name, by the kind of answer, and what it says',
    input: object({}),
    output: page(
      object({
        task: Type.String(),
        metric: Type.String(),
        direction: oneOf(['higher', 'lower', 'zero']),
        says: Type.String(),
      }),
    ),
  },
  setPrices: {
    method: 'PUT',
    path: '/prices',
    role: 'member',
    summary: 'The price table: unit -> price; "cpu_ms", "<model>/input_token", "<model>/output_token"',
    input: object({ prices: Type.Record(Type.String({ maxLength: 256 }), Type.Number({ minimum: 0 })) }),
    output: PriceTable,
  },
  getPrices: {
    method: 'GET',
    path: '/prices',
    role: 'viewer',
    summary: 'The newest price table, or the one of a digest',
    input: object({ digest: optional(Type.String()) }),
    output: PriceTable,
  },
  recordTraffic: {
    method: 'PUT',
    path: '/models/:model/traffic',
    role: 'member',
    summary: 'A sample of production, which golden sets are compared with',
    bodyLimit: 32 * 1024 * 1024,
    input: object({
      model: Name,
      from: Time,
      to: Time,
      rows: Type.Array(TrafficRow, { minItems: 1, maxItems: 10_000 }),
    }),
    output: TrafficSample,
  },
  getTraffic: {
    method: 'GET',
    path: '/models/:model/traffic',
    role: 'viewer',
    summary: 'The newest sample of production of a model, or nothing',
    input: object({ model: Name }),
    output: object({ sample: Type.Union([TrafficSample, Type.Null()]) }),
  },
})
