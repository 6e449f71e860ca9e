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
import { ModelSpec } from './spec.ts'

export const ModelKind = oneOf(['model', 'prompt'])

/** Inputs by name, as the model reads them; `request` fields come with the call, the others from the feature service. */
export const Signature = object({
  inputs: Type.Array(object({ name: Type.String(), type: oneOf(['number', 'integer', 'string']) }), { minItems: 1 }),
  output: object({ name: Type.String(), type: oneOf(['number', 'string']) }),
})

/** How a version is executed. `onnx`: in this process; `constant`: always the same answer (a built-in baseline). */
export const Flavor = oneOf(['onnx', 'constant', 'prompt'])

export const Model = object({
  name: Name,
  kind: ModelKind,
  spec: Type.Union([ModelSpec, Type.Null()]),
  specVersion: Type.Integer(),
  latestVersion: Type.Integer({ description: '0 when there is none' }),
  aliases: Type.Record(Type.String(), Type.Integer()),
  tags: Type.Record(Type.String(), Type.String()),
  createdAt: Time,
})

export const ModelVersion = object({
  model: Name,
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
  description: Type.String(),
  tags: Type.Record(Type.String(), Type.String()),
  aliases: Type.Array(Type.String()),
  tainted: Type.Array(Type.String(), { description: 'Unvetted sources that it touches; empty means clean' }),
  createdAt: Time,
  createdBy: Type.String(),
})

const LineageNode = object({
  kind: oneOf(['source', 'training_set', 'feature_service', 'run', 'artifact', 'model_version', 'code']),
  name: Type.String(),
  detail: Type.String(),
  vetted: optional(Type.Boolean()),
})

const versionKey = { model: Name, version: Type.Integer({ minimum: 1 }) }

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
    input: object({ model: Name }),
    output: Model,
  },
  createModel: {
    method: 'POST',
    path: '/models',
    role: 'member',
    summary: 'Registers a name for a model or a prompt',
    input: object({ name: Name, kind: optional(ModelKind), tags: optional(Type.Record(Type.String(), Type.String())) }),
    output: Model,
  },
  registerVersion: {
    method: 'POST',
    path: '/models/:model/versions',
    role: 'member',
    summary: 'Registers an immutable version: bytes, signature and where they come from',
    input: object({
      model: Name,
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
      description: optional(Type.String({ maxLength: 4000 })),
      tags: optional(Type.Record(Type.String(), Type.String())),
    }),
    output: ModelVersion,
  },
  listVersions: {
    method: 'GET',
    path: '/models/:model/versions',
    role: 'viewer',
    summary: 'Versions of a model, newest first',
    input: object({ model: Name, ...paging }),
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
    input: object({ model: Name, alias: Name, version: Type.Integer({ minimum: 1 }) }),
    output: Model,
  },
  deleteAlias: {
    method: 'DELETE',
    path: '/models/:model/aliases/:alias',
    role: 'member',
    summary: 'Removes an alias',
    input: object({ model: Name, alias: Name }),
    output: Model,
  },
  tagVersion: {
    method: 'PUT',
    path: '/models/:model/versions/:version/tags/:key',
    role: 'member',
    summary: 'Sets a tag of a version',
    input: object({ ...versionKey, key: Name, value: Type.String({ maxLength: 5000 }) }),
    output: ModelVersion,
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
})
