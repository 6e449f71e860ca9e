import { type ByType, type EventOf, nameIn, tellByType } from '../../../core/event-contract.ts'
import type { events } from '../../registry/events.ts'
import { type Example, exampleOf } from './example.ts'
import type { Format } from './format.ts'

type Data = Record<string, unknown>
type Payload = { name: string; data: Data }

/** MLflow's names for what happens in the registry. Tags of models are sent for prompts only, as MLflow does. */
const words: ByType<typeof events, Payload | undefined> = {
  'registry.model_created': ({ subject, data }) => ({
    name: `${isPrompt(data) ? 'prompt' : 'registered_model'}.created`,
    data: { name: nameIn(subject), tags: data.tags, description: data.description || null },
  }),
  'registry.version_registered': (event) => ({
    name: `${versionOf(event.data)}.created`,
    data: registered(event),
  }),
  'registry.version_tagged': ({ subject, data: { key, value, ...data } }) => ({
    name: `${versionOf(data)}_tag.set`,
    data: { name: nameIn(subject), version: String(data.version), key, value },
  }),
  'registry.version_untagged': ({ subject, data: { key, ...data } }) => ({
    name: `${versionOf(data)}_tag.deleted`,
    data: { name: nameIn(subject), version: String(data.version), key },
  }),
  'registry.alias_set': ({ subject, data: { alias, ...data } }) => ({
    name: `${aliasOf(data)}.created`,
    data: { name: nameIn(subject), alias, version: String(data.version) },
  }),
  'registry.alias_deleted': ({ subject, data: { alias, ...data } }) => ({
    name: `${aliasOf(data)}.deleted`,
    data: { name: nameIn(subject), alias },
  }),
  'registry.model_tagged': ({ subject, data: { key, value, ...data } }) =>
    isPrompt(data) ? { name: 'prompt_tag.set', data: { name: nameIn(subject), key, value } } : undefined,
  'registry.model_untagged': ({ subject, data: { key, ...data } }) =>
    isPrompt(data) ? { name: 'prompt_tag.deleted', data: { name: nameIn(subject), key } } : undefined,
}

type Kind = { kind?: 'model' | 'prompt' }

const isPrompt = ({ kind }: Kind) => kind === 'prompt'
const versionOf = (data: Kind) => (isPrompt(data) ? 'prompt_version' : 'model_version')
const aliasOf = (data: Kind) => (isPrompt(data) ? 'prompt_alias' : 'model_version_alias')

function registered({ subject, data }: EventOf<typeof events, 'registry.version_registered'>): Data {
  const made = isPrompt(data) ? { template: data.prompt ?? '' } : { source: data.uri ?? '', run_id: data.run }
  const { version, tags, description } = data
  return { name: nameIn(subject), version: String(version), ...made, tags, description: description || null }
}

const of = { kind: 'model' } as const
const ofPrompt = { kind: 'prompt' } as const
const tag = { version: 1, key: 'stage', value: 'tested' }
const made = { version: 1, artifact: null, run: null, uri: null, description: '', tags: {} }
const described = { description: 'An example', tags: {} }

/** Events of ours from which each of MLflow's comes: what a test of it sends. */
const examples: Record<string, Example<typeof events>> = {
  'registered_model.created': { type: 'registry.model_created', data: { ...of, ...described } },
  'model_version.created': {
    type: 'registry.version_registered',
    data: { ...of, ...made, uri: 'models:/m-example' },
  },
  'model_version_tag.set': { type: 'registry.version_tagged', data: { ...of, ...tag } },
  'model_version_tag.deleted': { type: 'registry.version_untagged', data: { ...of, version: 1, key: 'stage' } },
  'model_version_alias.created': { type: 'registry.alias_set', data: { ...of, version: 1, alias: 'champion' } },
  'model_version_alias.deleted': { type: 'registry.alias_deleted', data: { ...of, alias: 'champion' } },
  'prompt.created': { type: 'registry.model_created', data: { ...ofPrompt, ...described } },
  'prompt_version.created': {
    type: 'registry.version_registered',
    data: { ...ofPrompt, ...made, prompt: 'Answer {{question}}.' },
  },
  'prompt_tag.set': { type: 'registry.model_tagged', data: { ...ofPrompt, key: 'team', value: 'search' } },
  'prompt_tag.deleted': { type: 'registry.model_untagged', data: { ...ofPrompt, key: 'team' } },
  'prompt_version_tag.set': { type: 'registry.version_tagged', data: { ...ofPrompt, ...tag } },
  'prompt_version_tag.deleted': {
    type: 'registry.version_untagged',
    data: { ...ofPrompt, version: 1, key: 'stage' },
  },
  'prompt_alias.created': { type: 'registry.alias_set', data: { ...ofPrompt, version: 1, alias: 'champion' } },
  'prompt_alias.deleted': { type: 'registry.alias_deleted', data: { ...ofPrompt, alias: 'champion' } },
}

export const mlflowEvents: readonly string[] = Object.keys(examples)

/** Bodies and headers as MLflow's own server sends them, so that its receivers go on working. */
export const mlflow: Format = {
  nameOf: (event) => tellByType(words, event)?.name,
  render(event) {
    const told = tellByType(words, event)
    const [entity = '', action = ''] = (told?.name ?? event.type).split('.')
    return {
      contentType: 'application/json',
      body: JSON.stringify({ entity, action, timestamp: event.at, data: told?.data ?? {} }),
    }
  },
  headers: { id: 'X-MLflow-Delivery-Id', timestamp: 'X-MLflow-Timestamp', signature: 'X-MLflow-Signature' },
  example(name, at) {
    const chosen = examples[name ?? 'registered_model.created']
    return chosen && exampleOf(chosen, at)
  },
}
