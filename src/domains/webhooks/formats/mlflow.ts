import type { Event } from '../../../core/work/work.ts'
import type { Format } from './format.ts'
import { exampleEvent } from './generic.ts'

type Data = Record<string, unknown>
type Telling = { name: string; data: Data }

/** MLflow's names for what happens in the registry. Tags of models are told for prompts only, as MLflow does. */
function tell({ type, subject, data }: Event): Telling | undefined {
  const prompt = data['kind'] === 'prompt'
  const name = subject.replace(/^model\//, '')
  const version = String(data['version'])
  const ofModel = prompt ? 'prompt' : 'registered_model'
  const ofVersion = prompt ? 'prompt_version' : 'model_version'
  const ofAlias = prompt ? 'prompt_alias' : 'model_version_alias'
  const { key, value, alias } = data
  switch (type) {
    case 'registry.model_created':
      return { name: `${ofModel}.created`, data: { name, tags: tagsOf(data), description: textOrNull(data) } }
    case 'registry.version_registered':
      return { name: `${ofVersion}.created`, data: versionData(name, version, prompt, data) }
    case 'registry.version_tagged':
      return { name: `${ofVersion}_tag.set`, data: { name, version, key, value } }
    case 'registry.version_untagged':
      return { name: `${ofVersion}_tag.deleted`, data: { name, version, key } }
    case 'registry.alias_set':
      return { name: `${ofAlias}.created`, data: { name, alias, version } }
    case 'registry.alias_deleted':
      return { name: `${ofAlias}.deleted`, data: { name, alias } }
    case 'registry.model_tagged':
      return prompt ? { name: 'prompt_tag.set', data: { name, key, value } } : undefined
    case 'registry.model_untagged':
      return prompt ? { name: 'prompt_tag.deleted', data: { name, key } } : undefined
    default:
      return undefined
  }
}

function versionData(name: string, version: string, prompt: boolean, data: Data): Data {
  const tags = tagsOf(data)
  const description = textOrNull(data)
  if (prompt) return { name, version, template: data['prompt'] ?? '', tags, description }
  return { name, version, source: data['uri'] ?? '', run_id: data['run'] ?? null, tags, description }
}

function tagsOf(data: Data): unknown {
  return data['tags'] ?? {}
}

function textOrNull(data: Data): unknown {
  return data['description'] || null
}

/** Events of ours from which each of MLflow's comes: what a test of it sends. */
const examples: Record<string, { type: string; data: Data }> = {
  'registered_model.created': { type: 'registry.model_created', data: { description: 'An example' } },
  'model_version.created': { type: 'registry.version_registered', data: { version: 1, uri: 'models:/m-example' } },
  'model_version_tag.set': { type: 'registry.version_tagged', data: { version: 1, key: 'stage', value: 'tested' } },
  'model_version_tag.deleted': { type: 'registry.version_untagged', data: { version: 1, key: 'stage' } },
  'model_version_alias.created': { type: 'registry.alias_set', data: { version: 1, alias: 'champion' } },
  'model_version_alias.deleted': { type: 'registry.alias_deleted', data: { alias: 'champion' } },
  'prompt.created': { type: 'registry.model_created', data: { kind: 'prompt', description: 'An example' } },
  'prompt_version.created': {
    type: 'registry.version_registered',
    data: { kind: 'prompt', version: 1, prompt: 'Answer {{question}}.' },
  },
  'prompt_tag.set': { type: 'registry.model_tagged', data: { kind: 'prompt', key: 'team', value: 'search' } },
  'prompt_tag.deleted': { type: 'registry.model_untagged', data: { kind: 'prompt', key: 'team' } },
  'prompt_version_tag.set': {
    type: 'registry.version_tagged',
    data: { kind: 'prompt', version: 1, key: 'stage', value: 'tested' },
  },
  'prompt_version_tag.deleted': {
    type: 'registry.version_untagged',
    data: { kind: 'prompt', version: 1, key: 'stage' },
  },
  'prompt_alias.created': { type: 'registry.alias_set', data: { kind: 'prompt', version: 1, alias: 'champion' } },
  'prompt_alias.deleted': { type: 'registry.alias_deleted', data: { kind: 'prompt', alias: 'champion' } },
}

export const mlflowEvents: readonly string[] = Object.keys(examples)

/** Bodies and headers as MLflow's own server sends them, so that its receivers go on working. */
export const mlflow: Format = {
  nameOf: (event) => tell(event)?.name,
  render(event) {
    const told = tell(event)
    const [entity = '', action = ''] = (told?.name ?? event.type).split('.')
    return {
      contentType: 'application/json',
      body: JSON.stringify({ entity, action, timestamp: event.at, data: told?.data ?? {} }),
    }
  },
  headers: { id: 'X-MLflow-Delivery-Id', timestamp: 'X-MLflow-Timestamp', signature: 'X-MLflow-Signature' },
  example(name, at) {
    const chosen = examples[name ?? 'registered_model.created']
    return chosen && { ...exampleEvent(chosen.type, at), subject: 'model/example', data: chosen.data }
  },
}
