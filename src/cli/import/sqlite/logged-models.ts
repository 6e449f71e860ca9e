import { type SourceLoggedModel, toModelState } from '../source.ts'
import type { MlflowDatabase } from './database.ts'
import { groups, list, text, textOrNull } from './rows.ts'

export async function* loggedModelsOf(
  { from }: MlflowDatabase,
  experiment: string,
): AsyncGenerator<SourceLoggedModel[]> {
  const rows = from('logged_models', 'where experiment_id = ? order by model_id', Number(experiment))
  const of = (table: string) => groups(from(table, 'where experiment_id = ?', Number(experiment)), 'model_id')
  const [params, tags, metrics] = [of('logged_model_params'), of('logged_model_tags'), of('logged_model_metrics')]
  if (rows.length === 0) return
  yield rows.map((row): SourceLoggedModel => {
    const id = text(row['model_id'])
    return {
      id,
      name: text(row['name']),
      status: toModelState(row['status'] ?? 2),
      message: text(row['status_message']),
      type: text(row['model_type']),
      sourceRun: textOrNull(row['source_run_id']),
      createdAt: Number(row['creation_timestamp_ms']),
      updatedAt: Number(row['last_updated_timestamp_ms']),
      deleted: row['lifecycle_stage'] === 'deleted',
      location: text(row['artifact_location']),
      params: list(params.get(id), 'param_key', 'param_value'),
      tags: list(tags.get(id), 'tag_key', 'tag_value'),
      metrics: (metrics.get(id) ?? []).map((metric) => ({
        run: text(metric['run_id']),
        key: text(metric['metric_name']),
        step: Number(metric['metric_step']),
        at: Number(metric['metric_timestamp_ms']),
        value: metric['metric_value'] === null ? null : Number(metric['metric_value']),
        ...(metric['dataset_name']
          ? { dataset: { name: text(metric['dataset_name']), digest: text(metric['dataset_digest']) } }
          : {}),
      })),
    }
  })
}
