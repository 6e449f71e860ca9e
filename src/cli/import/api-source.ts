import { Readable } from 'node:stream'
import { AppError } from '../../core/errors.ts'
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

type Json = Record<string, unknown>

const v2 = '/api/2.0/mlflow'
const proxy = '/api/2.0/mlflow-artifacts'

/** A tracking server, read through its API. Name and password or a token may stand in the environment, as for MLflow's client. */
export function openApiSource(url: string, environment: NodeJS.ProcessEnv): MlflowSource {
  const base = url.replace(/\/+$/, '')
  const headers = credentials(environment)

  async function ask(path: string, body?: Json): Promise<Response> {
    const sent = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
    try {
      return await fetch(`${base}${path}`, { ...sent, headers: { 'content-type': 'application/json', ...headers } })
    } catch (cause) {
      throw new AppError('unreachable', `"${base}" does not answer.`, { name: base, cause })
    }
  }

  async function call(path: string, body?: Json): Promise<Json> {
    const response = await ask(path, body)
    const text = await response.text()
    if (!response.ok)
      throw new AppError('upstream_failed', `"${base}" answered ${response.status} to ${path}: ${text.slice(0, 300)}`, {
        name: base,
      })
    return JSON.parse(text) as Json
  }

  async function* pages(path: string, name: string, body: Json | URLSearchParams): AsyncGenerator<Json[]> {
    for (let token = ''; ; ) {
      let page: Json
      if (body instanceof URLSearchParams) {
        if (token !== '') body.set('page_token', token)
        page = await call(`${path}?${body}`)
      } else page = await call(path, token === '' ? body : { ...body, page_token: token })
      yield objects(page[name])
      token = text(page['next_page_token'])
      if (token === '') return
    }
  }

  async function* experiments() {
    const query = { max_results: 1000, view_type: 'ALL', order_by: ['experiment_id ASC'] }
    for await (const page of pages(`${v2}/experiments/search`, 'experiments', query))
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
    for await (const page of pages(`${v2}/runs/search`, 'runs', query)) {
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
      for await (const page of pages(`${v2}/metrics/get-history`, 'metrics', query))
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
    const probe = await ask(`${v2}/logged-models/search`, query)
    await probe.arrayBuffer()
    if (probe.status === 404) return
    for await (const page of pages(`${v2}/logged-models/search`, 'models', query)) yield page.map(toLoggedModel)
  }

  async function* models() {
    for (const filter of ['', "tag.`mlflow.prompt.is_prompt` = 'true'"]) {
      const query = new URLSearchParams({ max_results: '100', ...(filter === '' ? {} : { filter }) })
      for await (const page of pages(`${v2}/registered-models/search`, 'registered_models', query))
        for (const one of page) yield await modelOf(one, filter)
    }
  }

  async function modelOf(one: Json, filter: string): Promise<SourceModel> {
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
      createdAt: toIso(Number(one['creation_timestamp'])),
      updatedAt: toIso(Number(one['last_updated_timestamp'])),
      versions,
    }
  }

  async function files(location: string): Promise<SourceFile[] | undefined> {
    const root = /^mlflow-artifacts:(?:\/\/[^/]*)?\/*(.*)$/.exec(location)?.[1]
    if (root === undefined) return undefined
    const found: SourceFile[] = []
    const waiting = ['']
    for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
      const path = folder === '' ? root : `${root}/${folder}`
      const { files } = await call(`${proxy}/artifacts?path=${encodeURIComponent(path)}`)
      for (const one of objects(files)) {
        const below = folder === '' ? text(one['path']) : `${folder}/${text(one['path'])}`
        if (one['is_dir'] === true) waiting.push(below)
        else found.push({ path: below, size: Number(one['file_size'] ?? 0), open: () => download(`${root}/${below}`) })
      }
    }
    return found
  }

  async function download(path: string): Promise<Readable> {
    const response = await ask(`${proxy}/artifacts/${path.split('/').map(encodeURIComponent).join('/')}`)
    if (!response.ok || !response.body)
      throw new AppError('upstream_failed', `"${base}" answered ${response.status} to "${path}".`, { name: path })
    return Readable.from(response.body)
  }

  return {
    name: base,
    experiments,
    runs,
    points,
    loggedModels,
    models,
    files,
    // A server does not say how many there are; what is on the way is shown without an end.
    countRuns: async () => 0,
    close: () => undefined,
  }
}

function credentials(environment: NodeJS.ProcessEnv): Record<string, string> {
  const {
    MLFLOW_TRACKING_TOKEN: token,
    MLFLOW_TRACKING_USERNAME: name,
    MLFLOW_TRACKING_PASSWORD: password,
  } = environment
  if (token) return { authorization: `Bearer ${token}` }
  if (!name) return {}
  return { authorization: `Basic ${Buffer.from(`${name}:${password ?? ''}`).toString('base64')}` }
}

function toRun(run: Json): SourceRun {
  const [info, data] = [object(run['info']), object(run['data'])]
  const [inputs, outputs] = [object(run['inputs']), object(run['outputs'])]
  return {
    id: text(info['run_id']),
    name: text(info['run_name']),
    user: text(info['user_id']),
    status: toStatus(text(info['status'])),
    startedAt: Number(info['start_time'] ?? 0),
    endedAt: info['end_time'] === undefined ? null : Number(info['end_time']),
    deleted: info['lifecycle_stage'] === 'deleted',
    params: pairs(data['params']),
    tags: pairs(data['tags']),
    location: text(info['artifact_uri']),
    datasets: objects(inputs['dataset_inputs']).map((input) => {
      const dataset = object(input['dataset'])
      return {
        name: text(dataset['name']),
        digest: text(dataset['digest']),
        sourceType: text(dataset['source_type']),
        source: text(dataset['source']),
        schema: dataset['schema'] === undefined ? null : text(dataset['schema']),
        profile: dataset['profile'] === undefined ? null : text(dataset['profile']),
        tags: list(input['tags']),
      }
    }),
    modelInputs: objects(inputs['model_inputs']).map((input) => text(input['model_id'])),
    modelOutputs: objects(outputs['model_outputs']).map((output) => ({
      model: text(output['model_id']),
      step: Number(output['step'] ?? 0),
    })),
  }
}

function toLoggedModel(model: Json): SourceLoggedModel {
  const [info, data] = [object(model['info']), object(model['data'])]
  return {
    id: text(info['model_id']),
    name: text(info['name']),
    status: toModelState(text(info['status'])),
    message: text(info['status_message']),
    type: text(info['model_type']),
    sourceRun: text(info['source_run_id']) || null,
    createdAt: Number(info['creation_timestamp_ms']),
    updatedAt: Number(info['last_updated_timestamp_ms']),
    deleted: false,
    location: text(info['artifact_uri']),
    params: list(data['params']),
    tags: list(info['tags']),
    metrics: objects(data['metrics']).map((metric) => ({
      run: text(metric['run_id']),
      key: text(metric['key']),
      step: Number(metric['step'] ?? 0),
      at: Number(metric['timestamp']),
      value: metric['value'] === 'NaN' ? null : Number(metric['value']),
      ...(metric['dataset_name']
        ? { dataset: { name: text(metric['dataset_name']), digest: text(metric['dataset_digest']) } }
        : {}),
    })),
  }
}

function toVersion(version: Json): SourceModel['versions'][number] {
  const tags = pairs(version['tags'])
  const run = text(version['run_id'])
  return {
    version: Number(version['version']),
    uri: text(version['source']),
    ...(tags[promptText] === undefined ? {} : { prompt: tags[promptText] }),
    ...(run === '' ? {} : { run }),
    user: text(version['user_id']),
    stage: toStage(text(version['current_stage'])),
    description: text(version['description']),
    tags,
    createdAt: toIso(Number(version['creation_timestamp'])),
    updatedAt: toIso(Number(version['last_updated_timestamp'])),
  }
}

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {}
}

function objects(value: unknown): Json[] {
  return Array.isArray(value) ? value.map(object) : []
}

function text(value: unknown): string {
  return value === undefined || value === null ? '' : String(value)
}

function list(value: unknown): { key: string; value: string }[] {
  return objects(value).map((pair) => ({ key: text(pair['key']), value: text(pair['value']) }))
}

function pairs(value: unknown): Record<string, string> {
  return Object.fromEntries(list(value).map(({ key, value }) => [key, value]))
}
