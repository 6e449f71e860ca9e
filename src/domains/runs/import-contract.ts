import { contract, Nothing, object, oneOf, optional } from '../../core/contract.ts'
import { Type } from '../../core/shapes/shapes.ts'

const Milliseconds = Type.Integer({ description: 'Epoch milliseconds, as the source keeps them' })
/** The location of bytes that are not imported: a store that clients open themselves, never a path on a machine. */
const ExternalLocation = Type.String({
  pattern: '^(?!file:|mlflow-artifacts:)(?!.*\\.\\.)[a-z][a-z0-9+.-]+://',
  maxLength: 2048,
})
const Texts = Type.Record(Type.String(), Type.String())
const RunId = Type.String({ pattern: '^[a-zA-Z0-9][\\w-]{0,255}$' })

export const ImportedExperiment = object({
  name: Type.String({ minLength: 1, maxLength: 500 }),
  tags: Texts,
  createdAt: Milliseconds,
  updatedAt: Milliseconds,
  deleted: Type.Boolean(),
})

const Pairs = Type.Array(object({ key: Type.String(), value: Type.String() }))

const Points = Type.Array(
  Type.Tuple([Type.String(), Type.Integer(), Milliseconds, Type.Union([Type.Number(), Type.Null()])]),
  { maxItems: 50_000, description: 'Key, step, time and value; null stands for NaN' },
)

export const ImportedRun = object({
  id: RunId,
  name: Type.String(),
  user: Type.String(),
  status: oneOf(['running', 'scheduled', 'finished', 'failed', 'killed']),
  startedAt: Milliseconds,
  endedAt: Type.Union([Milliseconds, Type.Null()]),
  deleted: Type.Boolean(),
  location: optional(ExternalLocation),
  params: Texts,
  tags: Texts,
  metrics: Points,
  datasets: Type.Array(
    object({
      name: Type.String(),
      digest: Type.String(),
      sourceType: Type.String(),
      source: Type.String(),
      schema: Type.Union([Type.String(), Type.Null()]),
      profile: Type.Union([Type.String(), Type.Null()]),
      tags: Pairs,
    }),
  ),
  modelInputs: Type.Array(Type.String()),
  modelOutputs: Type.Array(object({ model: Type.String(), step: Type.Integer() })),
})

export const ImportedLoggedModel = object({
  id: Type.String({ pattern: '^m-[0-9a-f]{32}$' }),
  name: Type.String(),
  status: Type.String(),
  message: Type.String(),
  type: Type.String(),
  sourceRun: Type.Union([Type.String(), Type.Null()]),
  createdAt: Milliseconds,
  updatedAt: Milliseconds,
  deleted: Type.Boolean(),
  location: optional(ExternalLocation),
  params: Pairs,
  tags: Pairs,
  metrics: Type.Array(
    object({
      run: Type.String(),
      key: Type.String(),
      step: Type.Integer(),
      at: Milliseconds,
      value: Type.Union([Type.Number(), Type.Null()]),
      dataset: optional(object({ name: Type.String(), digest: Type.String() })),
    }),
  ),
})

const Places = object({
  items: Type.Array(object({ id: Type.String(), location: Type.String() })),
})
const bodyLimit = 64 * 1024 * 1024

/** Imports the history of another tracking server. Every call may be repeated: what exists already stays as it is. */
export const importOperations = contract({
  importExperiment: {
    method: 'POST',
    path: '/import/experiments',
    role: 'admin',
    summary: 'Takes over an experiment; one of the same name is used as it is',
    input: ImportedExperiment,
    output: object({ id: Type.String() }),
  },
  importRuns: {
    method: 'POST',
    path: '/import/runs',
    role: 'admin',
    summary: 'Takes over runs with their ids, times and points; more points of a run may follow in another call',
    bodyLimit,
    input: object({ experiment: Type.String(), runs: Type.Array(ImportedRun, { maxItems: 1000 }) }),
    output: Places,
  },
  importLoggedModels: {
    method: 'POST',
    path: '/import/logged-models',
    role: 'admin',
    summary: 'Takes over logged models with their ids',
    bodyLimit,
    input: object({ experiment: Type.String(), models: Type.Array(ImportedLoggedModel, { maxItems: 1000 }) }),
    output: Places,
  },
  markImported: {
    method: 'POST',
    path: '/import/marks',
    role: 'admin',
    summary: 'Notes what has been taken over completely, so that the next try passes over it',
    input: object({
      items: Type.Array(object({ id: Type.String(), mark: Type.String({ maxLength: 200 }) }), { maxItems: 1000 }),
    }),
    output: Nothing,
  },
  importMarks: {
    method: 'POST',
    path: '/import/marks/search',
    role: 'admin',
    summary: 'What is noted about these runs and logged models',
    input: object({ ids: Type.Array(Type.String(), { maxItems: 1000 }) }),
    output: object({ items: Type.Array(object({ id: Type.String(), mark: Type.String() })) }),
  },
  countRuns: {
    method: 'POST',
    path: '/import/runs/count',
    role: 'admin',
    summary: 'How much is kept of these runs, to compare with the source',
    input: object({ runs: Type.Array(Type.String(), { maxItems: 1000 }) }),
    output: object({
      runs: Type.Integer(),
      params: Type.Integer(),
      tags: Type.Integer(),
      points: Type.Integer(),
    }),
  },
})
