import type { Static } from 'typebox'
import { DigestText, Name, object, oneOf, optional, Time } from '../../core/contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { ScanReport } from './scan-report.ts'
import { Signature } from './signature.ts'
import { ModelSpec } from './spec/spec.ts'

export const ModelKind = oneOf(['model', 'prompt'])

/**
 * The kind of a version. `onnx` runs in this server; `constant` always gives the same answer; `mlflow` and `remote` run where the
 * spec says: in a process of their own (`serves.run`) or at an upstream (`serves.upstream`).
 */
export const Flavor = oneOf(['onnx', 'constant', 'prompt', 'mlflow', 'remote'])

export const Stage = oneOf(['None', 'Staging', 'Production', 'Archived'], {
  description: 'Of old MLflow clients; what production answers with is the alias "live"',
})

/** As MLflow allows it: anything but the separators of model URIs. */
export const ModelName = Type.String({
  pattern: '^[^/:\\u0000-\\u001f\\u007f]{1,255}$',
  description: 'A name without "/" and ":"',
})

export const TagKey = Type.String({ minLength: 1, maxLength: 250 })
export const TagValue = Type.String({ maxLength: 100_000 })

export const Model = object({
  name: ModelName,
  kind: ModelKind,
  description: Type.String(),
  spec: Type.Union([ModelSpec, Type.Null()]),
  specVersion: Type.Integer(),
  latestVersion: Type.Integer({ description: '0 when there is none' }),
  aliases: Type.Record(Type.String(), Type.Integer()),
  tags: Type.Record(Type.String(), Type.String()),
  createdAt: Time,
  updatedAt: Time,
})

/** What MLflow's own file says of a model that its client logged. */
export const MlflowModel = object({
  flavors: Type.Array(Type.String(), { description: 'By which libraries it can be loaded' }),
  loader: Type.Union([Type.String(), Type.Null()], { description: 'What loads it as a Python function' }),
  predicts: Type.Union([Type.String(), Type.Null()], { description: 'The method that answers' }),
  example: Type.Union([Type.String(), Type.Null()], { description: 'The file with its input example' }),
})
export type MlflowModel = Static<typeof MlflowModel>

export const ModelVersion = object({
  model: ModelName,
  version: Type.Integer({ minimum: 1, description: 'Dense: 1, 2, 3 …' }),
  flavor: Flavor,
  artifact: Type.Union([DigestText, Type.Null()]),
  constant: Type.Union([Type.Number(), Type.Null()]),
  prompt: Type.Union([Type.String(), Type.Null()]),
  signature: Type.Union([Signature, Type.Null()]),
  service: Type.Union([Name, Type.Null()]),
  trainingSet: Type.Union([Type.String(), Type.Null()]),
  run: Type.Union([Type.String(), Type.Null()]),
  code: Type.Union([Type.String(), Type.Null()], { description: 'Digest or commit of the code that made it' }),
  uri: Type.Union([Type.String(), Type.Null()], { description: 'Where its client says that the bytes are' }),
  loggedModel: Type.Union([Type.String(), Type.Null()]),
  mlflow: Type.Union([MlflowModel, Type.Null()], { description: 'Of a version that has an MLmodel file' }),
  stage: Stage,
  description: Type.String(),
  tags: Type.Record(Type.String(), Type.String()),
  aliases: Type.Array(Type.String()),
  tainted: Type.Array(Type.String(), { description: 'Unvetted sources that it touches; empty means clean' }),
  scan: Type.Union([ScanReport, Type.Null()], { description: 'What its files would do when they are loaded' }),
  warnings: optional(
    Type.Array(Type.String(), { description: 'Of a new version: what looked doubtful when its file was tried' }),
  ),
  createdAt: Time,
  updatedAt: Time,
  createdBy: Type.String(),
})

export const Prompt = object({
  prompt: ModelName,
  version: Type.Integer({ minimum: 1 }),
  text: Type.String(),
  variables: Type.Array(Type.String(), { description: 'What stands between {{ and }}, in order of appearance' }),
  description: Type.String(),
  tags: Type.Record(Type.String(), Type.String()),
  aliases: Type.Array(Type.String()),
  createdAt: Time,
  createdBy: Type.String(),
})

export const LineageNode = object({
  kind: oneOf(['source', 'training_set', 'feature_service', 'run', 'dataset', 'artifact', 'model_version', 'code']),
  name: Type.String(),
  detail: Type.String(),
  vetted: optional(Type.Boolean()),
})

export const versionKey = { model: ModelName, version: Type.Integer({ minimum: 1 }) }
