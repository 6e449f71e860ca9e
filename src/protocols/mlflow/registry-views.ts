import type { Output } from '../../core/contract.ts'
import { millisecondsOf } from '../../core/time.ts'
import type { registry } from '../../domains/registry/contract.ts'
import { list, pairs } from './views.ts'

export type Model = Output<(typeof registry)['getModel']>
export type Version = Output<(typeof registry)['getVersion']>

export const promptTag = 'mlflow.prompt.is_prompt'

export function registeredModel(model: Model, latest: Version[]): Record<string, unknown> {
  return {
    name: model.name,
    creation_timestamp: millisecondsOf(model.createdAt),
    last_updated_timestamp: millisecondsOf(model.updatedAt),
    ...(model.description === '' ? {} : { description: model.description }),
    ...list('latest_versions', latest.map(modelVersion)),
    ...list('tags', pairs(model.tags)),
    ...list(
      'aliases',
      Object.entries(model.aliases).map(([alias, version]) => ({ alias, version: String(version) })),
    ),
  }
}

export function modelVersion(version: Version): Record<string, unknown> {
  return {
    name: version.model,
    version: String(version.version),
    creation_timestamp: millisecondsOf(version.createdAt),
    last_updated_timestamp: millisecondsOf(version.updatedAt),
    current_stage: version.stage,
    ...(version.description === '' ? {} : { description: version.description }),
    source: version.uri ?? '',
    ...(version.run === null ? {} : { run_id: version.run }),
    ...(version.loggedModel === null ? {} : { model_id: version.loggedModel }),
    status: 'READY',
    ...list('tags', pairs(version.tags)),
    ...list('aliases', version.aliases),
  }
}

/** The newest version of each stage. */
export function latestOfStages(versions: Version[], stages: string[] = []): Version[] {
  const newest = new Map<string, Version>()
  for (const version of versions) {
    const known = newest.get(version.stage)
    if (!known || known.version < version.version) newest.set(version.stage, version)
  }
  return [...newest.values()].filter(({ stage }) => stages.length === 0 || stages.includes(stage))
}
