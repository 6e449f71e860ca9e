import { isPrompt, type MlflowSource, type Point, type SourceModel, type SourceRun, toIso } from '../source.ts'
import { describedModels } from './described-models.ts'
import { filesAt } from './files.ts'
import { type Json, object, objects, pairs, text } from './json.ts'
import { type MlflowApi, openApi } from './open-api.ts'
import { toLoggedModel, toRun, toVersion } from './shapes.ts'

const v2 = '/api/2.0/mlflow'

/** A tracking server, read through its API. */
export function openApiSource(url: string, environment: NodeJS.ProcessEnv): MlflowSource {
  const api = openApi(url, environment)

  async function* experiments() {
    const query = { max_results: 1000, view_type: 'ALL', order_by: ['experiment_id ASC'] }
    for await (const page of api.pages(`${v2}/experiments/search`, 'experiments', query))
      for (const one of page)
        yield {
          id: text(one['experiment_id']),
          name: text(one['name']),
          tags: pairs(one['tags']),
          createdAt: Number(one['creation_time'] ?? 0),
          updatedAt: Number(one['last_update_time'] ?? 0),
          deleted: one['lifecycle_stage'] === 'deleted',
        }
  }

  const keys = new Map<string, string[]>()

  async function* runs(experiment: string) {
    const query = { experiment_ids: [experiment], run_view_type: 'ALL', max_results: 200 }
    for await (const page of api.pages(`${v2}/runs/search`, 'runs', query)) {
      const found = page.map(toRun)
      for (const [index, { id }] of found.entries())
        keys.set(
          id,
          objects(object(page[index]?.['data'])['metrics']).map(({ key }) => text(key)),
        )
      yield found
      keys.clear()
    }
  }

  async function* points(run: SourceRun) {
    for (const key of keys.get(run.id) ?? []) {
      const query = new URLSearchParams({ run_id: run.id, metric_key: key, max_results: '20000' })
      for await (const page of api.pages(`${v2}/metrics/get-history`, 'metrics', query))
        yield page.map(
          ({ step, timestamp, value }): Point => [
            key,
            Number(step ?? 0),
            Number(timestamp),
            value === 'NaN' ? null : Number(value),
          ],
        )
    }
  }

  async function* loggedModels(experiment: string) {
    const query = { experiment_ids: [experiment], max_results: 50 }
    const probe = await api.ask(`${v2}/logged-models/search`, query)
    await probe.arrayBuffer()
    if (probe.status === 404) return
    for await (const page of api.pages(`${v2}/logged-models/search`, 'models', query)) yield page.map(toLoggedModel)
  }

  async function* models() {
    for (const filter of ['', "tag.`mlflow.prompt.is_prompt` = 'true'"]) {
      const query = new URLSearchParams({ max_results: '100', ...(filter === '' ? {} : { filter }) })
      for await (const page of api.pages(`${v2}/registered-models/search`, 'registered_models', query))
        for (const one of page) yield await modelOf(api, one, filter)
    }
  }

  return {
    name: api.base,
    experiments,
    runs,
    points,
    loggedModels,
    models,
    ...describedModels(api),
    files: (location) => filesAt(api, location),
    // A server does not say how many there are; what is on the way is shown without an end.
    countRuns: async () => 0,
    close: () => undefined,
  }
}

async function modelOf({ pages }: MlflowApi, one: Json, filter: string): Promise<SourceModel> {
  const name = text(one['name'])
  const tags = pairs(one['tags'])
  const which = [`name = '${name.replaceAll("'", "''")}'`, ...(filter === '' ? [] : [filter])].join(' AND ')
  const query = new URLSearchParams({ filter: which, max_results: '1000' })
  const versions: SourceModel['versions'] = []
  for await (const page of pages(`${v2}/model-versions/search`, 'model_versions', query))
    versions.push(...page.map(toVersion))
  return {
    name,
    kind: isPrompt(tags) ? 'prompt' : 'model',
    description: text(one['description']),
    tags,
    aliases: Object.fromEntries(objects(one['aliases']).map(({ alias, version }) => [text(alias), Number(version)])),
    createdAt: toIso(Number(one['creation_timestamp'] ?? 0)),
    updatedAt: toIso(Number(one['last_updated_timestamp'] ?? 0)),
    versions,
  }
}
