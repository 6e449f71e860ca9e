import { createReadStream, existsSync, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { invalidInput } from '../../core/errors.ts'
import {
  isPrompt,
  type MlflowSource,
  type Point,
  promptText,
  type SourceFile,
  type SourceLoggedModel,
  type SourceModel,
  type SourceRun,
  toIso,
  toModelState,
  toStage,
  toStatus,
} from './source.ts'

type Row = Record<string, string | number | null>

const runsPerPage = 200
const pointsPerPage = 20_000

/** An MLflow database, opened to be read only. `artifacts` is the folder its server kept artifacts in. */
export function openSqliteSource(path: string, artifacts: string | undefined): MlflowSource {
  const database = openReadOnly(path)
  const folder = dirname(path)
  const known = new Set(all("select name from sqlite_master where type = 'table'").map(({ name }) => String(name)))
  if (!known.has('runs') || !known.has('experiments'))
    throw invalidInput(`"${path}" is not a database of MLflow.`, { name: path })

  function all(sql: string, ...values: SQLInputValue[]): Row[] {
    return database.prepare(sql).all(...values) as Row[]
  }
  /** Tables that older versions of MLflow do not have are empty. */
  function from(table: string, rest: string, ...values: SQLInputValue[]): Row[] {
    return known.has(table) ? all(`select * from ${table} ${rest}`, ...values) : []
  }
  const placeholders = (list: unknown[]) => list.map(() => '?').join(', ')

  async function* experiments() {
    const tags = groups(from('experiment_tags', ''), 'experiment_id')
    for (const row of all('select * from experiments order by experiment_id')) {
      yield {
        id: text(row['experiment_id']),
        name: text(row['name']),
        tags: pairs(tags.get(text(row['experiment_id']))),
        createdAt: Number(row['creation_time'] ?? 0),
        updatedAt: Number(row['last_update_time'] ?? 0),
        deleted: row['lifecycle_stage'] === 'deleted',
      }
    }
  }

  async function* runs(experiment: string) {
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
          ...links(id),
        }
      })
      after = ids.at(-1) ?? ''
    }
  }

  function links(run: string): Pick<SourceRun, 'datasets' | 'modelInputs' | 'modelOutputs'> {
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
    const ofKind = (kind: string) =>
      found.filter((input) => input['source_type'] === kind && input['source_id'] === run)
    return {
      datasets,
      modelInputs: ofKind('RUN_INPUT').map((input) => text(input['destination_id'])),
      modelOutputs: ofKind('RUN_OUTPUT').map((input) => ({
        model: text(input['destination_id']),
        step: Number(input['step'] ?? 0),
      })),
    }
  }

  async function* points({ id }: SourceRun) {
    let page: Point[] = []
    const rows = database.prepare('select key, step, timestamp, value, is_nan from metrics where run_uuid = ?')
    for (const row of rows.iterate(id) as Iterable<Row>) {
      const value = row['is_nan'] === 1 ? null : Number(row['value'])
      page.push([text(row['key']), Number(row['step']), Number(row['timestamp']), value])
      if (page.length === pointsPerPage) {
        yield page
        page = []
      }
    }
    if (page.length > 0) yield page
  }

  async function* loggedModels(experiment: string) {
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

  async function* models() {
    for (const row of from('registered_models', 'order by name')) {
      const name = text(row['name'])
      const tags = pairs(from('registered_model_tags', 'where name = ?', name))
      const aliases = from('registered_model_aliases', 'where name = ?', name)
      const versions = from('model_versions', 'where name = ? order by version', name).filter(
        (version) => version['current_stage'] !== 'Deleted_Internal',
      )
      yield {
        name,
        kind: isPrompt(tags) ? ('prompt' as const) : ('model' as const),
        description: text(row['description']),
        tags,
        aliases: Object.fromEntries(aliases.map(({ alias, version }) => [text(alias), Number(version)])),
        createdAt: toIso(row['creation_time']),
        updatedAt: toIso(row['last_updated_time']),
        versions: versions.map((version) => versionOf(name, version)),
      }
    }
  }

  function versionOf(name: string, row: Row): SourceModel['versions'][number] {
    const tags = pairs(from('model_version_tags', 'where name = ? and version = ?', name, Number(row['version'])))
    const run = text(row['run_id'])
    return {
      version: Number(row['version']),
      uri: text(row['source']),
      ...(tags[promptText] === undefined ? {} : { prompt: tags[promptText] }),
      ...(run === '' ? {} : { run }),
      user: text(row['user_id']),
      stage: toStage(textOrNull(row['current_stage'])),
      description: text(row['description']),
      tags,
      createdAt: toIso(row['creation_time']),
      updatedAt: toIso(row['last_updated_time']),
    }
  }

  return {
    name: path,
    experiments,
    runs,
    points,
    loggedModels,
    models,
    files: (location) => localFiles(location, folder, artifacts ?? join(folder, 'mlartifacts')),
    countRuns: async () => Number(all('select count(*) as n from runs')[0]?.['n'] ?? 0),
    close: () => database.close(),
  }
}

function openReadOnly(path: string): DatabaseSync {
  if (!existsSync(path)) throw invalidInput(`There is no file "${path}".`, { name: path })
  return new DatabaseSync(path, { readOnly: true })
}

/** Only places on this machine are read; a link in them is not followed. */
async function localFiles(location: string, folder: string, proxied: string): Promise<SourceFile[] | undefined> {
  const place = localPlace(location, folder, proxied)
  if (place === undefined) return undefined
  if (!existsSync(place)) return []
  const entries = await readdir(place, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const full = join(entry.parentPath, entry.name)
      return {
        path: relative(place, full).split(sep).join('/'),
        size: statSync(full).size,
        open: async () => createReadStream(full),
      }
    })
}

function localPlace(location: string, folder: string, proxied: string): string | undefined {
  const kept = /^mlflow-artifacts:(?:\/\/[^/]*)?\/*(.*)$/.exec(location)?.[1]
  if (kept !== undefined) {
    const place = resolve(proxied, kept)
    return place.startsWith(resolve(proxied) + sep) ? place : undefined
  }
  if (location.startsWith('file:')) return fileURLToPath(location.replace(/^file:(?!\/\/)/, 'file://'))
  return /^[a-z][a-z0-9+.-]+:/i.test(location) ? undefined : resolve(folder, location)
}

function text(value: string | number | null | undefined): string {
  return value === null || value === undefined ? '' : String(value)
}

function textOrNull(value: string | number | null | undefined): string | null {
  return value === null || value === undefined ? null : String(value)
}

function pairs(rows: Row[] = []): Record<string, string> {
  return Object.fromEntries(rows.map(({ key, value }) => [text(key), text(value)]))
}

function list(rows: Row[] = [], key: string, value: string): { key: string; value: string }[] {
  return rows.map((row) => ({ key: text(row[key]), value: text(row[value]) }))
}

function groups(rows: Row[], name: string): Map<string, Row[]> {
  return Map.groupBy(rows, (row) => text(row[name]))
}
