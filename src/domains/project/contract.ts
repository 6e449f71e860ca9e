import { type SettingName, settings } from '../../core/config.ts'
import { contract, JsonObject, Name, object, oneOf, optional } from '../../core/contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { AccessRules } from '../access/contract.ts'
import { SourceFile } from '../datasets/contract.ts'
import { GoldenFile } from '../evaluation/contract.ts'
import { FeaturesFile } from '../features/contract.ts'
import { AlertSink } from '../monitoring/contract.ts'
import { PipelineFile } from '../pipelines/contract.ts'
import { ModelSpec } from '../registry/spec/spec.ts'

const setting = (name: SettingName) => optional(Type.String({ description: settings[name].help }))

/** The settings that a project may fix, under their own names. */
const settingFields = {
  data: setting('data'),
  host: setting('host'),
  url: setting('url'),
  port: optional(Type.Integer({ minimum: 0, maximum: 65535, description: settings.port.help })),
  database: setting('database'),
  log: setting('log'),
  memory: setting('memory'),
  egress: setting('egress'),
  blobs: setting('blobs'),
  cache: setting('cache'),
}

/** `keel.yaml` */
export const ProjectFile = object({
  project: Name,
  owner: optional(Type.String({ description: 'Who is asked about the project' })),
  ...settingFields,
  models: optional(object({ refuse: optional(Type.Array(Type.String(), { description: settings.refuse.help })) })),
  golden: optional(Type.Array(GoldenFile, { description: 'Golden sets; see below' })),
  prices: optional(
    Type.Record(Type.String(), Type.Number({ minimum: 0 }), { description: 'Price table: unit -> price' }),
  ),
  alerts: optional(Type.Array(AlertSink, { description: 'Who is notified of alerts' })),
  access: optional(AccessRules),
})

const Definitions = {
  project: Name,
  sources: Type.Array(SourceFile),
  features: Type.Array(FeaturesFile),
  golden: Type.Array(
    object({ definition: GoldenFile, items: Type.Array(JsonObject, { minItems: 1, maxItems: 100_000 }) }),
  ),
  models: Type.Array(ModelSpec),
  prices: optional(Type.Record(Type.String(), Type.Number({ minimum: 0 }))),
  alerts: optional(Type.Array(AlertSink, { maxItems: 50 })),
  access: optional(AccessRules),
  pipelines: Type.Array(PipelineFile),
}

const Change = object({
  kind: oneOf(['source', 'features', 'golden', 'model', 'pipeline', 'prices', 'alerts', 'access']),
  name: Type.String(),
  action: oneOf(['create', 'update', 'unchanged']),
  /** Paths that differ, `delivery.rollout.bake: 1h -> 2h`. */
  differences: Type.Array(Type.String()),
  touches: Type.Array(Type.String({ description: 'Models that are affected' })),
})

const Plan = object({
  changes: Type.Array(Change),
  digest: Type.String({ description: 'Of the state that the plan was made against' }),
  refusals: Type.Array(
    object({
      model: Name,
      release: Type.String(),
      detail: Type.String(),
      hint: Type.String({ description: 'The way out' }),
    }),
    { description: 'What releases need that get traffic, and would not have any more: none of it can be applied' },
  ),
  notices: Type.Array(Type.String(), { description: 'Old names that the files use, and what to write instead' }),
})

export const project = contract({
  plan: {
    method: 'POST',
    path: '/project/plan',
    role: 'viewer',
    summary: 'What applying these definitions would change, and whom it touches',
    bodyLimit: 64 * 1024 * 1024,
    exactIntegers: true,
    input: object(Definitions),
    output: Plan,
  },
  apply: {
    method: 'POST',
    path: '/project/apply',
    role: 'member',
    summary: 'Makes the definitions so, all or none; with a plan digest it refuses when something changed meanwhile',
    bodyLimit: 64 * 1024 * 1024,
    exactIntegers: true,
    input: object({ ...Definitions, expected: optional(Type.String()) }),
    output: Plan,
  },
})
