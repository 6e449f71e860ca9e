import {
  promptText,
  type SourceLoggedModel,
  type SourceModel,
  type SourceRun,
  toIso,
  toModelState,
  toStage,
  toStatus,
} from '../source.ts'
import { type Json, list, object, objects, pairs, text } from './json.ts'

export function toRun(run: Json): SourceRun {
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

export function toLoggedModel(model: Json): SourceLoggedModel {
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

export function toVersion(version: Json): SourceModel['versions'][number] {
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
    createdAt: toIso(Number(version['creation_timestamp'] ?? 0)),
    updatedAt: toIso(Number(version['last_updated_timestamp'] ?? 0)),
  }
}
