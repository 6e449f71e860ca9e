import type {
  ExperimentRecord,
  LoggedModel,
  RunInfo,
  RunInputs,
  RunOutputs,
  RunRecord,
} from '../../domains/runs/runs.ts'

/** What the domains know, in MLflow's shapes. Fields without a value and empty lists are left out. */
type Json = Record<string, unknown>

export function list<T>(name: string, items: readonly T[]): Json {
  return items.length === 0 ? {} : { [name]: items }
}

export function pairs(values: Record<string, string>): { key: string; value: string }[] {
  return Object.entries(values).map(([key, value]) => ({ key, value }))
}

/** JSON has no NaN; an infinity is the largest number there is. */
export function number(value: number): number | 'NaN' {
  if (Number.isNaN(value)) return 'NaN'
  return Number.isFinite(value) ? value : Math.sign(value) * Number.MAX_VALUE
}

export function experiment(record: ExperimentRecord): Json {
  return {
    experiment_id: record.id,
    name: record.name,
    artifact_location: record.location,
    lifecycle_stage: record.deleted ? 'deleted' : 'active',
    creation_time: record.createdAt,
    last_update_time: record.updatedAt,
    ...list('tags', pairs(record.tags)),
  }
}

export function runInfo(record: RunInfo): Json {
  return {
    run_uuid: record.id,
    run_id: record.id,
    run_name: record.name,
    experiment_id: record.experimentId,
    ...(record.user === '' ? {} : { user_id: record.user }),
    status: record.status.toUpperCase(),
    start_time: record.startedAt,
    ...(record.endedAt === null ? {} : { end_time: record.endedAt }),
    artifact_uri: record.location,
    lifecycle_stage: record.deleted ? 'deleted' : 'active',
  }
}

export function run(record: RunRecord, found?: { inputs: RunInputs; outputs: RunOutputs }): Json {
  return {
    info: runInfo(record),
    data: {
      ...list('metrics', record.metrics.map(metric)),
      ...list('params', record.params.map(pair)),
      ...list('tags', record.tags.map(pair)),
    },
    inputs: found ? inputs(found.inputs) : {},
    outputs: found
      ? list(
          'model_outputs',
          found.outputs.map(({ model, step }) => ({ model_id: model, step })),
        )
      : {},
  }
}

function pair({ key, value }: { key: string; value: string }) {
  return { key, value }
}

export function metric({ key, value, step, at }: RunRecord['metrics'][number]): Json {
  return { key, value: number(value), timestamp: at, step }
}

function inputs({ datasets, models }: RunInputs): Json {
  return {
    ...list(
      'dataset_inputs',
      datasets.map(({ dataset, tags }) => ({
        ...list('tags', tags),
        dataset: {
          name: dataset.name,
          digest: dataset.digest,
          source_type: dataset.sourceType,
          source: dataset.source,
          ...(dataset.schema === null ? {} : { schema: dataset.schema }),
          ...(dataset.profile === null ? {} : { profile: dataset.profile }),
        },
      })),
    ),
    ...list(
      'model_inputs',
      models.map((model) => ({ model_id: model })),
    ),
  }
}

export function loggedModel(model: LoggedModel): Json {
  return {
    info: {
      model_id: model.id,
      experiment_id: model.experimentId,
      name: model.name,
      creation_timestamp_ms: model.createdAt,
      last_updated_timestamp_ms: model.updatedAt,
      artifact_uri: model.location,
      status: model.status,
      ...(model.message === '' ? {} : { status_message: model.message }),
      ...(model.type === '' ? {} : { model_type: model.type }),
      ...(model.sourceRun === null ? {} : { source_run_id: model.sourceRun }),
      ...list('tags', model.tags.map(pair)),
    },
    data: {
      ...list('params', model.params.map(pair)),
      ...list(
        'metrics',
        model.metrics.map((one) => ({
          key: one.key,
          value: number(one.value),
          timestamp: one.at,
          step: one.step,
          model_id: model.id,
          run_id: one.run,
          ...(one.dataset ? { dataset_name: one.dataset.name, dataset_digest: one.dataset.digest } : {}),
        })),
      ),
    },
  }
}
