import { Type } from 'typebox'
import {
  contract,
  DigestText,
  Name,
  Nothing,
  object,
  oneOf,
  optional,
  page,
  paging,
  Time,
} from '../../core/contract.ts'
import { ScanReport } from './scan/scan.ts'
import { Signature } from './signature.ts'
import { ModelSpec } from './spec/spec.ts'

export { Signature }

export const ModelKind = oneOf(['model', 'prompt'])

/**
 * What a version is. `onnx` runs in this server; `constant` always gives the same answer; `mlflow` and `remote` are answered by
 * what the spec names: a process of their own (`serves.run`) or something elsewhere (`serves.upstream`).
 */
export const Flavor = oneOf(['onnx', 'constant', 'prompt', 'mlflow', 'remote'])

export const Stage = oneOf(['None', 'Staging', 'Production', 'Archived'], {
  description: 'Of old MLflow clients; what production answers with is the alias "live"',
})

/** As MLflow allows it: anything but the separators of model URIs. Names that people type are better plain. */
export const ModelName = Type.String({
  pattern: '^[^/:\\u0000-\\u001f\\u007f]{1,255}$',
  description: 'A name without "/" and ":"',
})

const TagKey = Type.String({ minLength: 1, maxLength: 250 })
const TagValue = Type.String({ maxLength: 100_000 })

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

const LineageNode = object({
  kind: oneOf(['source', 'training_set', 'feature_service', 'run', 'artifact', 'model_version', 'code']),
  name: Type.String(),
  detail: Type.String(),
  vetted: optional(Type.Boolean()),
})

const versionKey = { model: ModelName, version: Type.Integer({ minimum: 1 }) }

export const registry = contract({
  listModels: {
    method: 'GET',
    path: '/models',
    role: 'viewer',
    summary: 'Registered models and prompts',
    input: object({ kind: optional(ModelKind), ...paging }),
    output: page(Model),
  },
  getModel: {
    method: 'GET',
    path: '/models/:model',
    role: 'viewer',
    summary: 'One model with its spec and aliases',
    input: object({ model: ModelName }),
    output: Model,
  },
  createModel: {
    method: 'POST',
    path: '/models',
    role: 'member',
    summary: 'Registers a name for a model or a prompt',
    input: object({
      name: ModelName,
      kind: optional(ModelKind),
      description: optional(Type.String({ maxLength: 100_000 })),
      tags: optional(Type.Record(Type.String(), TagValue)),
    }),
    output: Model,
  },
  updateModel: {
    method: 'PATCH',
    path: '/models/:model',
    role: 'member',
    summary: 'Changes what is said about a model',
    input: object({ model: ModelName, description: Type.String({ maxLength: 100_000 }) }),
    output: Model,
  },
  deleteModel: {
    method: 'DELETE',
    path: '/models/:model',
    role: 'member',
    summary: 'Removes a model that has no spec and is not live, with all its versions',
    input: object({ model: ModelName }),
    output: Nothing,
  },
  tagModel: {
    method: 'PUT',
    path: '/models/:model/tags/:key',
    role: 'member',
    summary: 'Sets a tag of a model',
    input: object({ model: ModelName, key: TagKey, value: TagValue }),
    output: Model,
  },
  untagModel: {
    method: 'DELETE',
    path: '/models/:model/tags/:key',
    role: 'member',
    summary: 'Removes a tag of a model',
    input: object({ model: ModelName, key: TagKey }),
    output: Model,
  },
  registerVersion: {
    method: 'POST',
    path: '/models/:model/versions',
    role: 'member',
    summary: 'Registers an immutable version: bytes, signature and where they come from',
    input: object({
      model: ModelName,
      flavor: Flavor,
      artifact: optional(DigestText),
      constant: optional(Type.Number()),
      prompt: optional(Type.String({ maxLength: 1_000_000 })),
      signature: optional(Signature),
      service: optional(Name),
      trainingSet: optional(Name),
      run: optional(Name),
      code: optional(Type.String({ maxLength: 256 })),
      sources: optional(Type.Array(Name, { description: 'Further sources it is grounded in, such as a base model' })),
      uri: optional(Type.String({ maxLength: 2048 })),
      loggedModel: optional(Name),
      description: optional(Type.String({ maxLength: 100_000 })),
      tags: optional(Type.Record(Type.String(), TagValue)),
    }),
    output: ModelVersion,
  },
  listVersions: {
    method: 'GET',
    path: '/models/:model/versions',
    role: 'viewer',
    summary: 'Versions of a model, newest first',
    input: object({ model: ModelName, ...paging }),
    output: page(ModelVersion),
  },
  getVersion: {
    method: 'GET',
    path: '/models/:model/versions/:version',
    role: 'viewer',
    summary: 'One version',
    input: object(versionKey),
    output: ModelVersion,
  },
  setAlias: {
    method: 'PUT',
    path: '/models/:model/aliases/:alias',
    role: 'member',
    summary: 'Points an alias at a version; "live" is moved by delivery only',
    input: object({ model: ModelName, alias: Name, version: Type.Integer({ minimum: 1 }) }),
    output: Model,
  },
  deleteAlias: {
    method: 'DELETE',
    path: '/models/:model/aliases/:alias',
    role: 'member',
    summary: 'Removes an alias',
    input: object({ model: ModelName, alias: Name }),
    output: Model,
  },
  aliasHistory: {
    method: 'GET',
    path: '/models/:model/alias-history',
    role: 'viewer',
    summary: 'Where the aliases of a model pointed, when, and who moved them; newest first',
    input: object({ model: ModelName, alias: optional(Name), limit: paging.limit }),
    output: object({
      items: Type.Array(
        object({
          alias: Type.String(),
          version: Type.Union([Type.Integer(), Type.Null()], { description: 'null: it was removed' }),
          at: Time,
          by: Type.String(),
          cause: Type.String(),
        }),
      ),
    }),
  },
  tagVersion: {
    method: 'PUT',
    path: '/models/:model/versions/:version/tags/:key',
    role: 'member',
    summary: 'Sets a tag of a version',
    input: object({ ...versionKey, key: TagKey, value: TagValue }),
    output: ModelVersion,
  },
  untagVersion: {
    method: 'DELETE',
    path: '/models/:model/versions/:version/tags/:key',
    role: 'member',
    summary: 'Removes a tag of a version',
    input: object({ ...versionKey, key: TagKey }),
    output: ModelVersion,
  },
  updateVersion: {
    method: 'PATCH',
    path: '/models/:model/versions/:version',
    role: 'member',
    summary: 'Changes what is said about a version; what it is made of never changes',
    input: object({
      ...versionKey,
      description: optional(Type.String({ maxLength: 100_000 })),
      stage: optional(Stage),
    }),
    output: ModelVersion,
  },
  deleteVersion: {
    method: 'DELETE',
    path: '/models/:model/versions/:version',
    role: 'member',
    summary: 'Removes a version that is not live; its number is not given again',
    input: object(versionKey),
    output: Nothing,
  },
  lineage: {
    method: 'GET',
    path: '/models/:model/versions/:version/lineage',
    role: 'viewer',
    summary: 'Everything a version was made from, back to its sources, and what is tainted',
    input: object(versionKey),
    output: object({
      nodes: Type.Array(LineageNode),
      edges: Type.Array(object({ from: Type.String(), to: Type.String() })),
      tainted: Type.Array(Type.String()),
    }),
  },
  downloadVersion: {
    method: 'GET',
    path: '/models/:model/versions/:version/file',
    role: 'viewer',
    summary: 'The bytes of a version',
    reply: 'bytes',
    input: object(versionKey),
    output: Nothing,
  },
  importModel: {
    method: 'POST',
    path: '/import/models',
    role: 'admin',
    summary: 'Takes over a model of another registry with its versions, tags and aliases; may be called again',
    bodyLimit: 64 * 1024 * 1024,
    input: object({
      name: ModelName,
      kind: ModelKind,
      description: Type.String(),
      tags: Type.Record(Type.String(), Type.String()),
      aliases: Type.Record(Type.String(), Type.Integer()),
      createdAt: Time,
      updatedAt: Time,
      versions: Type.Array(
        object({
          version: Type.Integer({ minimum: 1 }),
          uri: Type.String(),
          path: optional(Type.String({ description: 'Where its files lie in the tree of artifacts' })),
          prompt: optional(Type.String()),
          run: optional(Type.String()),
          loggedModel: optional(Type.String()),
          user: Type.String(),
          stage: Stage,
          description: Type.String(),
          tags: Type.Record(Type.String(), Type.String()),
          createdAt: Time,
          updatedAt: Time,
        }),
      ),
    }),
    output: Model,
  },
  pushPrompt: {
    method: 'POST',
    path: '/prompts/:prompt/versions',
    role: 'member',
    summary: 'Registers a text as the next version of a prompt; the text of the newest version again is no new one',
    input: object({
      prompt: ModelName,
      text: Type.String({ minLength: 1, maxLength: 1_000_000 }),
      description: optional(Type.String({ maxLength: 100_000 })),
      tags: optional(Type.Record(Type.String(), TagValue)),
      sources: optional(Type.Array(Name)),
    }),
    output: Prompt,
  },
  getPrompt: {
    method: 'GET',
    path: '/prompts/:prompt',
    role: 'viewer',
    summary: 'The text of a prompt: of a version, of an alias, or the newest',
    input: object({ prompt: ModelName, version: optional(Type.Integer({ minimum: 1 })), alias: optional(Name) }),
    output: Prompt,
  },
})
