import {
  contract,
  Duration,
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

const Step = object({
  name: Name,
  run: Type.String({
    minLength: 1,
    description: 'A shell command; it reads KEEL_PARAM_<NAME> and KEEL_IN_<STEP> and writes to KEEL_OUT',
  }),
  needs: optional(Type.Array(Name, { description: 'Steps whose outputs it reads' })),
  code: optional(
    Type.Array(Type.String(), {
      description: 'Files whose content is part of its cache key; without it the whole project without data',
    }),
  ),
  params: optional(
    Type.Array(Name, { description: 'The params that this step reads; only they are part of its cache key' }),
  ),
  sources: optional(
    Type.Array(Name, { description: 'Sources that it reads; how far they have grown is part of its cache key' }),
  ),
  env: optional(Type.Record(Type.String(), Type.String(), { description: 'Further variables of its environment' })),
  cache: optional(Type.Boolean({ default: true, description: 'Whether the same key is answered from before' })),
  timeout: optional(Duration),
  retries: optional(Type.Integer({ minimum: 0, maximum: 10, description: 'After a failure; 0 without it' })),
})

/** `pipelines/<name>.yaml` */
export const PipelineFile = object({
  pipeline: Name,
  description: optional(Type.String({ description: 'What it makes' })),
  owner: optional(Type.String({ description: 'Who is asked about it' })),
  params: optional(
    Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
      description: 'Names with their defaults; a run may choose others',
    }),
  ),
  schedule: optional(
    object(
      {
        cron: Type.String({ description: 'Minute, hour, day, month, weekday' }),
        zone: optional(Type.String({ description: 'Time zone, such as Europe/Berlin; without it UTC' })),
      },
      { description: 'When it runs by itself' },
    ),
  ),
  steps: Type.Array(Step, { minItems: 1, maxItems: 200, description: 'In the order of their needs' }),
})

export const Pipeline = object({
  name: Name,
  definition: PipelineFile,
  version: Type.Integer(),
  lastRun: Type.Union([Type.String(), Type.Null()]),
  updatedAt: Time,
})

export const StepState = oneOf(['waiting', 'running', 'succeeded', 'cached', 'failed', 'skipped', 'cancelled'])

export const PipelineRun = object({
  id: Type.String(),
  pipeline: Name,
  state: oneOf(['running', 'succeeded', 'failed', 'cancelled']),
  params: JsonObject,
  run: Type.String({ description: 'The tracking run that its steps log to' }),
  resumedFrom: Type.Union([Type.String(), Type.Null()]),
  scheduled: Type.Boolean({ description: 'Started by its schedule' }),
  steps: Type.Array(
    object({
      name: Name,
      state: StepState,
      attempts: Type.Integer(),
      seconds: Type.Union([Type.Number(), Type.Null()]),
      cacheKey: Type.Union([Type.String(), Type.Null()]),
      output: Type.Union([Type.String(), Type.Null()], { description: 'Digest of the output artifact' }),
      exitCode: Type.Union([Type.Integer(), Type.Null()]),
      error: Type.Union([Type.String(), Type.Null()]),
    }),
  ),
  startedAt: Time,
  finishedAt: Type.Union([Time, Type.Null()]),
})

export const pipelines = contract({
  list: {
    method: 'GET',
    path: '/pipelines',
    role: 'viewer',
    summary: 'Pipelines',
    input: object(paging),
    output: page(Pipeline),
  },
  get: {
    method: 'GET',
    path: '/pipelines/:pipeline',
    role: 'viewer',
    summary: 'One pipeline with its definition',
    input: object({ pipeline: Name }),
    output: Pipeline,
  },
  start: {
    method: 'POST',
    path: '/pipelines/:pipeline/runs',
    role: 'member',
    summary: 'Runs a pipeline; steps whose inputs did not change come from the cache',
    input: object({
      pipeline: Name,
      params: optional(JsonObject),
      resume: optional(Name),
      fresh: optional(Type.Boolean({ description: 'Ignore the cache' })),
    }),
    output: PipelineRun,
  },
  getRun: {
    method: 'GET',
    path: '/pipeline-runs/:pipelineRun',
    role: 'viewer',
    summary: 'State of a pipeline run, step by step',
    input: object({ pipelineRun: Name }),
    output: PipelineRun,
  },
  listRuns: {
    method: 'GET',
    path: '/pipeline-runs',
    role: 'viewer',
    summary: 'Pipeline runs, newest first',
    input: object({ pipeline: optional(Name), ...paging }),
    output: page(PipelineRun),
  },
  cancelRun: {
    method: 'POST',
    path: '/pipeline-runs/:pipelineRun/cancel',
    role: 'member',
    summary: 'Stops a pipeline run: the running step gets SIGTERM, then SIGKILL',
    input: object({ pipelineRun: Name }),
    output: PipelineRun,
  },
  logs: {
    method: 'GET',
    path: '/pipeline-runs/:pipelineRun/steps/:step/log',
    role: 'viewer',
    summary: 'What a step printed, from a byte offset',
    input: object({ pipelineRun: Name, step: Name, offset: optional(Type.Integer({ minimum: 0 })) }),
    output: object({ text: Type.String(), next: Type.Integer() }),
  },
  why: {
    method: 'GET',
    path: '/pipeline-runs/:pipelineRun/steps/:step/why',
    role: 'viewer',
    summary: 'Why a step ran instead of coming from the cache: which component of its key changed',
    input: object({ pipelineRun: Name, step: Name }),
    output: object({
      cached: Type.Boolean(),
      comparedWith: Type.Union([Type.String(), Type.Null()]),
      changed: Type.Array(object({ component: Type.String(), before: Type.Unknown(), now: Type.Unknown() })),
    }),
  },
})
