import type { Static } from 'typebox'
import { DigestText, Estimate, JsonObject, Name, object, oneOf, optional, Time } from '../../core/contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { Marks } from '../registry/contract.ts'

export const Verdict = oneOf(['pass', 'fail', 'cannot_tell', 'error'])
export type Verdict = Static<typeof Verdict>

const MetricResult = object({
  metric: Type.String(),
  direction: oneOf(['higher', 'lower', 'zero']),
  candidate: Estimate,
  baseline: Type.Union([Estimate, Type.Null()]),
})

const SliceResult = object({
  slice: Type.String(),
  value: Type.String(),
  n: Type.Integer(),
  candidate: Type.Union([Type.Number(), Type.Null()]),
  baseline: Type.Union([Type.Number(), Type.Null()]),
  /** Paired difference, positive when the candidate is better. */
  difference: Estimate,
  verdict: oneOf(['pass', 'fail', 'cannot_tell', 'not_tested']),
})

const Steadiness = object({
  passOnce: Type.Number({ description: 'pass@1: share of answers that are right' }),
  passAlways: Type.Number({ description: 'pass^k: share of items that are answered right every time' }),
  flips: Type.Number({ description: 'Share of items that are answered sometimes right, sometimes wrong' }),
})

const JudgeAgreement = object({
  name: Type.String(),
  model: Type.String(),
  golden: Type.Union([Name, Type.Null()]),
  goldenVersion: Type.Union([Type.Integer(), Type.Null()]),
  least: Type.Number(),
  /** Of the judge with people, on answers that people judged; one-sided 95 % bounds. */
  kappa: Estimate,
})

const Hidden = object({
  n: Type.Integer(),
  /** Paired, on the items that nobody may see alone. */
  difference: Estimate,
  /** How much better the seen items look than the hidden ones. */
  gap: Estimate,
  overfitted: Type.Boolean(),
})

const NumberOrNull = Type.Union([Type.Number(), Type.Null()])
const Bounds = { value: NumberOrNull, lower: NumberOrNull, upper: NumberOrNull, n: Type.Integer() }

/** Whether the golden set is still like production; null for what cannot be known. */
const Representativeness = object({
  population: Type.Union([object({ from: Time, to: Time, n: Type.Integer() }), Type.Null()]),
  coverage: Type.Union([
    object({
      by: Type.Array(Type.String()),
      fewest: Type.Integer({ description: 'A cell with fewer items is not covered' }),
      share: Type.Number({ description: 'Of traffic, in cells that are covered' }),
      uncovered: Type.Array(object({ cell: Type.String(), traffic: Type.Number(), items: Type.Integer() })),
    }),
    Type.Null(),
  ]),
  weighted: Type.Union([
    object({
      value: Type.Number({ description: 'The score of the candidate, each item counted by the traffic of its cell' }),
      raw: Type.Number(),
      effectiveItems: Type.Number(),
      missing: Type.Number({ description: 'Share of traffic in cells without any item' }),
    }),
    Type.Null(),
  ]),
  /** How well a classifier tells golden items from production: 0.5 is alike. */
  domainAuc: Type.Union([object(Bounds), Type.Null()]),
  /** Share of production farther from the set than its items are from each other: 0.05 is alike. */
  novelty: Type.Union([object(Bounds), Type.Null()]),
  age: Type.Union([object({ medianDays: Type.Number(), under90Days: Type.Number() }), Type.Null()]),
  /** Items that the candidate was trained on. */
  overlap: Type.Union([object({ shared: Type.Integer(), of: Type.Integer() }), Type.Null()]),
  /** The baseline's quality on the set beside that on fresh, labelled production. */
  fresh: Type.Union([
    object({
      metric: Type.String(),
      ...Bounds,
      golden: Type.Number(),
      production: Type.Number(),
      stale: Type.Boolean(),
    }),
    Type.Null(),
  ]),
  warnings: Type.Array(Type.String()),
})

export const Evaluation = object({
  id: Type.String(),
  model: Name,
  version: Type.Integer(),
  golden: Name,
  goldenVersion: Type.Integer(),
  against: Type.String({
    description: 'What it was compared with: "live (v2)", "constant baseline", "recorded answers (golden.yesterday)" …',
  }),
  baselineVersion: Type.Union([Type.Integer(), Type.Null()]),
  asOf: oneOf(['known', 'event', 'request']),
  n: Type.Integer(),
  primary: object({
    metric: Type.String(),
    difference: Estimate,
    margin: Type.Number(),
    method: Type.String(),
    verdict: Verdict,
    reason: Type.String(),
  }),
  metrics: Type.Array(MetricResult),
  slices: Type.Array(SliceResult),
  repeats: Type.Integer({ description: 'How often each item was asked about' }),
  stability: Type.Array(
    object({ metric: Type.String(), repeats: Type.Integer(), candidate: Steadiness, baseline: Steadiness }),
  ),
  hidden: Type.Union([Hidden, Type.Null()]),
  representativeness: Type.Union([Representativeness, Type.Null()]),
  judges: Type.Array(JudgeAgreement),
  simpleBaselines: Type.Array(object({ name: Type.String(), metric: Type.String(), value: Type.Number() })),
  outputs: DigestText,
  createdAt: Time,
})

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
  separator: optional(Type.String({ description: 'Between fields of the CSV: `,` `;` `|` or tab; else it is found' })),
  decimal: optional(oneOf(['.', ','], { description: 'The decimal mark of the CSV' })),
  encoding: optional(Type.String({ description: 'Of the text, such as windows-1252; UTF-8 without it' })),
  time_format: optional(
    Type.String({ description: 'Of times that are not ISO 8601, in the letters of strptime: %d/%m/%Y %H:%M' }),
  ),
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

export const ItemAnswers = object({
  answers: Type.Array(AnyValue, { description: 'One for each repeat' }),
  marks: Type.Array(Marks, { description: 'By repeat' }),
  scores: Type.Record(Type.String(), Type.Array(Type.Union([Type.Number(), Type.Null()]))),
})

export const PriceTable = object({
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

export const TrafficSample = object({
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
