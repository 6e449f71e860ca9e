import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

const schema = `
create table experiments (experiment_id integer primary key, name text, artifact_location text, lifecycle_stage text,
  creation_time bigint, last_update_time bigint);
create table experiment_tags (key text, value text, experiment_id integer);
create table runs (run_uuid text primary key, name text, source_type text, source_name text, entry_point_name text, user_id text,
  status text, start_time bigint, end_time bigint, source_version text, lifecycle_stage text, artifact_uri text,
  experiment_id integer, deleted_time bigint);
create table metrics (key text, value float, timestamp bigint, run_uuid text, step bigint, is_nan boolean);
create table params (key text, value text, run_uuid text);
create table tags (key text, value text, run_uuid text);
create table logged_models (model_id text, experiment_id integer, name text, artifact_location text,
  creation_timestamp_ms bigint, last_updated_timestamp_ms bigint, status integer, lifecycle_stage text, model_type text,
  source_run_id text, status_message text);
create table registered_models (name text, creation_time bigint, last_updated_time bigint, description text);
create table registered_model_tags (key text, value text, name text);
create table registered_model_aliases (alias text, version integer, name text);
create table model_versions (name text, version integer, creation_time bigint, last_updated_time bigint, description text,
  user_id text, current_stage text, source text, run_id text, status text);
create table model_version_tags (key text, value text, name text, version integer);
`

export const firstRun = 'a'.repeat(32)
export const secondRun = 'b'.repeat(32)
export const deletedRun = 'c'.repeat(32)
export const loggedModel = `m-${'d'.repeat(32)}`

/** A small database as MLflow's server keeps it, with the folder of its artifacts; 5,000 values of one metric. */
export function writeMlflowFolder(folder: string): string {
  const path = join(folder, 'mlflow.db')
  const database = new DatabaseSync(path)
  database.exec(schema)
  const insert = (table: string, ...values: (string | number | null)[]) =>
    database.prepare(`insert into ${table} values (${values.map(() => '?').join(', ')})`).run(...values)
  insert('experiments', 0, 'Default', 'mlflow-artifacts:/0', 'active', 1000, 1000)
  insert('experiments', 7, 'flights', 'mlflow-artifacts:/7', 'active', 1_700_000_000_000, 1_700_000_000_500)
  insert('experiment_tags', 'team', 'delays', 7)
  for (const [id, name, stage] of [
    [firstRun, 'first', 'active'],
    [secondRun, 'second', 'active'],
    [deletedRun, 'gone', 'deleted'],
  ] as const) {
    const uri = `mlflow-artifacts:/7/${id}/artifacts`
    insert(
      'runs',
      id,
      name,
      '',
      '',
      '',
      'ann',
      'FINISHED',
      1_700_000_001_000,
      1_700_000_002_000,
      '',
      stage,
      uri,
      7,
      null,
    )
    insert('tags', 'mlflow.runName', name, id)
    insert('params', 'depth', '3', id)
  }
  database.exec('begin')
  for (let step = 0; step < 5000; step++)
    insert('metrics', 'loss', 1 / (step + 1), 1_700_000_001_000 + step, firstRun, step, 0)
  insert('metrics', 'odd', 0, 1_700_000_001_000, firstRun, 0, 1)
  database.exec('commit')
  const place = `mlflow-artifacts:/7/models/${loggedModel}/artifacts`
  insert('logged_models', loggedModel, 7, 'model', place, 1, 2, 2, 'active', '', firstRun, '')
  insert('registered_models', 'delay', 1_700_000_003_000, 1_700_000_004_000, 'Late or not')
  insert('registered_model_tags', 'team', 'delays', 'delay')
  insert(
    'model_versions',
    'delay',
    1,
    1,
    1,
    'by run',
    'ann',
    'None',
    `mlflow-artifacts:/7/${firstRun}/artifacts/model`,
    firstRun,
    'READY',
  )
  insert('model_versions', 'delay', 3, 1, 1, '', 'ann', 'Production', `models:/${loggedModel}`, firstRun, 'READY')
  insert('registered_model_aliases', 'champion', 3, 'delay')
  insert('model_version_tags', 'checked', 'yes', 'delay', 3)
  insert('registered_models', 'answer', 1, 1, '')
  insert('registered_model_tags', 'mlflow.prompt.is_prompt', 'true', 'answer')
  insert('model_versions', 'answer', 1, 1, 1, '', '', 'None', 'dummy-source', null, 'READY')
  insert('model_version_tags', 'mlflow.prompt.text', 'Answer {{question}}.', 'answer', 1)
  database.close()
  const files: [string, string][] = [
    [`7/${firstRun}/artifacts/model/MLmodel`, 'flavors: {}'],
    [`7/${firstRun}/artifacts/notes/deep/one.txt`, 'one'],
    [`7/${secondRun}/artifacts/two.txt`, 'two'],
    [`7/models/${loggedModel}/artifacts/MLmodel`, 'flavors: {}\n'],
  ]
  for (const [name, content] of files) {
    const file = join(folder, 'mlartifacts', name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content)
  }
  return path
}
