import { contract, Name, Nothing, object, oneOf, optional, page, paging, Time } from '../../core/contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { importOperations } from './import-contract.ts'

export type { ImportedExperiment, ImportedLoggedModel, ImportedRun } from './import-contract.ts'

const Text = Type.String({ maxLength: 8000 })
export const RunStatus = oneOf(['running', 'scheduled', 'finished', 'failed', 'killed'])

export const Experiment = object({
  id: Type.String(),
  name: Type.String(),
  tags: Type.Record(Type.String(), Type.String()),
  createdAt: Time,
})

export const Metric = object({
  key: Type.String({ minLength: 1, maxLength: 250 }),
  value: Type.Union([Type.Number(), Type.Null()], { description: 'null stands for NaN' }),
  step: Type.Integer(),
  at: Time,
})

export const Run = object({
  id: Type.String(),
  experiment: Type.String(),
  name: Type.String(),
  status: RunStatus,
  startedAt: Time,
  endedAt: Type.Union([Time, Type.Null()]),
  params: Type.Record(Type.String(), Type.String()),
  metrics: Type.Record(Type.String(), Type.Union([Type.Number(), Type.Null()]), {
    description: 'The latest value of each',
  }),
  tags: Type.Record(Type.String(), Type.String()),
})

const Comparison = oneOf(['=', '!=', '<', '<=', '>', '>='])
const TextOperator = oneOf(['=', '!=', 'like', 'ilike', 'in', 'not in', 'is null', 'is not null'])
const Texts = Type.Union([Type.String(), Type.Array(Type.String(), { maxItems: 1000 })])
const Key = Type.String({ maxLength: 250 })

/** One term of a search. */
export const RunCondition = Type.Union([
  object({ on: oneOf(['metric']), key: Key, operator: Comparison, value: Type.Number() }),
  object({ on: oneOf(['param', 'tag']), key: Key, operator: TextOperator, value: Texts }),
  object({
    on: oneOf(['attribute']),
    key: oneOf(['id', 'name', 'status', 'user_name', 'location']),
    operator: TextOperator,
    value: Texts,
  }),
  object({ on: oneOf(['time']), key: oneOf(['started_at', 'ended_at']), operator: Comparison, value: Type.Number() }),
  object({ on: oneOf(['dataset']), key: oneOf(['name', 'digest', 'context']), operator: TextOperator, value: Texts }),
])

export const runs = contract({
  purge: {
    method: 'POST',
    path: '/runs/purge',
    role: 'admin',
    summary: 'Counts deleted runs and experiments, and with "apply" removes them for good and frees their names',
    input: object({ apply: optional(Type.Boolean()) }),
    output: object({
      apply: Type.Boolean(),
      runs: Type.Integer(),
      experiments: Type.Integer(),
      files: Type.Integer(),
      bytes: Type.Integer(),
      kept: Type.Array(Type.String(), { description: 'Deleted runs that something names, such as a model version' }),
    }),
  },
  ...importOperations,
  listExperiments: {
    method: 'GET',
    path: '/experiments',
    role: 'viewer',
    summary: 'Experiments, newest first',
    input: object(paging),
    output: page(Experiment),
  },
  createExperiment: {
    method: 'POST',
    path: '/experiments',
    role: 'member',
    summary: 'Creates an experiment; the name must be new',
    input: object({
      name: Type.String({ minLength: 1, maxLength: 500 }),
      tags: optional(Type.Record(Type.String(), Text)),
    }),
    output: Experiment,
  },
  create: {
    method: 'POST',
    path: '/runs',
    role: 'member',
    summary: 'Starts a run; the experiment is created when it is new',
    input: object({
      experiment: Type.String({ minLength: 1, maxLength: 500, description: 'Name of the experiment' }),
      name: optional(Type.String({ maxLength: 500 })),
      tags: optional(Type.Record(Type.String(), Text)),
      params: optional(Type.Record(Type.String(), Text)),
    }),
    output: Run,
  },
  get: {
    method: 'GET',
    path: '/runs/:run',
    role: 'viewer',
    summary: 'One run with params, latest metrics and tags',
    input: object({ run: Name }),
    output: Run,
  },
  search: {
    method: 'GET',
    path: '/runs',
    role: 'viewer',
    summary: 'Runs, newest first',
    input: object({ experiment: optional(Type.String()), ...paging }),
    output: page(Run),
  },
  find: {
    method: 'POST',
    path: '/runs/find',
    role: 'viewer',
    summary: 'Runs for which all conditions hold, newest first or in the order asked for',
    input: object({
      experiments: optional(Type.Array(Type.String(), { maxItems: 100, description: 'Names; all when left out' })),
      view: optional(oneOf(['active', 'deleted', 'all'])),
      conditions: optional(Type.Array(RunCondition, { maxItems: 50 })),
      order: optional(
        Type.Array(
          object({
            on: oneOf(['metric', 'param', 'tag', 'attribute']),
            key: Type.String({ maxLength: 250 }),
            descending: Type.Boolean(),
          }),
          { maxItems: 5 },
        ),
      ),
      ...paging,
    }),
    output: page(Run),
  },
  deleteRun: {
    method: 'DELETE',
    path: '/runs/:run',
    role: 'member',
    summary: 'Deletes a run; it can be restored',
    input: object({ run: Name }),
    output: Nothing,
  },
  restoreRun: {
    method: 'POST',
    path: '/runs/:run/restore',
    role: 'member',
    summary: 'Takes back that a run was deleted',
    input: object({ run: Name }),
    output: Nothing,
  },
  logBatch: {
    method: 'POST',
    path: '/runs/:run/log',
    role: 'member',
    summary: 'Logs metrics, params and tags together; all or none, on disk when acknowledged',
    input: object({
      run: Name,
      metrics: optional(
        Type.Array(
          object({
            key: Metric.properties.key,
            value: Metric.properties.value,
            step: optional(Type.Integer()),
            at: optional(Time),
          }),
          { maxItems: 1000 },
        ),
      ),
      params: optional(Type.Record(Type.String(), Text)),
      tags: optional(Type.Record(Type.String(), Text)),
    }),
    output: Nothing,
  },
  finish: {
    method: 'POST',
    path: '/runs/:run/finish',
    role: 'member',
    summary: 'Ends a run',
    input: object({ run: Name, status: oneOf(['finished', 'failed', 'killed']) }),
    output: Run,
  },
  metricHistory: {
    method: 'GET',
    path: '/runs/:run/metrics/:key',
    role: 'viewer',
    summary: 'Every value of one metric, in order of steps',
    input: object({ run: Name, key: Metric.properties.key, ...paging }),
    output: page(Metric),
  },
})
