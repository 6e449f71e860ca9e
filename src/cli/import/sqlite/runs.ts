import { type SourceRun, toStatus } from '../source.ts'
import type { MlflowDatabase } from './database.ts'
import { groups, pairs, text, textOrNull } from './rows.ts'

const runsPerPage = 200

/** The runs of an experiment, a page at a time. */
export async function* runsOf(database: MlflowDatabase, experiment: string): AsyncGenerator<SourceRun[]> {
  const { all, from } = database
  for (let after = ''; ; ) {
    const rows = all(
      'select * from runs where experiment_id = ? and run_uuid > ? order by run_uuid limit ?',
      Number(experiment),
      after,
      runsPerPage,
    )
    if (rows.length === 0) return
    const ids = rows.map((row) => text(row['run_uuid']))
    const list = `where run_uuid in (${placeholders(ids)})`
    const params = groups(from('params', list, ...ids), 'run_uuid')
    const tags = groups(from('tags', list, ...ids), 'run_uuid')
    yield rows.map((row): SourceRun => {
      const id = text(row['run_uuid'])
      return {
        id,
        name: text(row['name']),
        user: text(row['user_id']),
        status: toStatus(text(row['status'])),
        startedAt: Number(row['start_time'] ?? 0),
        endedAt: row['end_time'] === null ? null : Number(row['end_time']),
        deleted: row['lifecycle_stage'] === 'deleted',
        params: pairs(params.get(id)),
        tags: pairs(tags.get(id)),
        location: text(row['artifact_uri']),
        ...linksOf(database, id),
      }
    })
    after = ids.at(-1) ?? ''
  }
}

function linksOf({ from }: MlflowDatabase, run: string): Pick<SourceRun, 'datasets' | 'modelInputs' | 'modelOutputs'> {
  const found = from('inputs', 'where destination_id = ? or source_id = ?', run, run)
  const datasets = found.flatMap((input) => {
    const [dataset] =
      input['source_type'] === 'DATASET' ? from('datasets', 'where dataset_uuid = ?', text(input['source_id'])) : []
    if (!dataset) return []
    const tags = from('input_tags', 'where input_uuid = ?', text(input['input_uuid']))
    return {
      name: text(dataset['name']),
      digest: text(dataset['digest']),
      sourceType: text(dataset['dataset_source_type']),
      source: text(dataset['dataset_source']),
      schema: textOrNull(dataset['dataset_schema']),
      profile: textOrNull(dataset['dataset_profile']),
      tags: tags.map((tag) => ({ key: text(tag['name']), value: text(tag['value']) })),
    }
  })
  const ofKind = (kind: string) => found.filter((input) => input['source_type'] === kind && input['source_id'] === run)
  return {
    datasets,
    modelInputs: ofKind('RUN_INPUT').map((input) => text(input['destination_id'])),
    modelOutputs: ofKind('RUN_OUTPUT').map((input) => ({
      model: text(input['destination_id']),
      step: Number(input['step'] ?? 0),
    })),
  }
}

const placeholders = (list: unknown[]) => list.map(() => '?').join(', ')
