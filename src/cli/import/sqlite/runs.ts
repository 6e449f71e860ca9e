import { type SourceRun, toStatus } from '../source.ts'
import type { MlflowDatabase } from './database.ts'
import { groups, pairs, type Row, text, textOrNull } from './rows.ts'

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
    yield rows.map((row) =>
      runOf(database, row, pairs(params.get(text(row['run_uuid']))), pairs(tags.get(text(row['run_uuid'])))),
    )
    after = ids.at(-1) ?? ''
  }
}

/** One run by its id. */
export function findRun(database: MlflowDatabase, id: string): SourceRun | undefined {
  const { all, from } = database
  const [row] = all('select * from runs where run_uuid = ?', id)
  const of = (table: string) => pairs(from(table, 'where run_uuid = ?', id))
  return row && runOf(database, row, of('params'), of('tags'))
}

function runOf(
  database: MlflowDatabase,
  row: Row,
  params: Record<string, string>,
  tags: Record<string, string>,
): SourceRun {
  const id = text(row['run_uuid'])
  return {
    id,
    name: text(row['name']),
    user: text(row['user_id']),
    status: toStatus(text(row['status'])),
    startedAt: Number(row['start_time'] ?? 0),
    endedAt: row['end_time'] === null ? null : Number(row['end_time']),
    deleted: row['lifecycle_stage'] === 'deleted',
    params,
    tags,
    location: text(row['artifact_uri']),
    ...linksOf(database, id),
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
