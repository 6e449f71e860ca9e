import type { Static } from 'typebox'
import { invalidInput } from '../../core/errors.ts'
import { didYouMean } from '../../core/suggest.ts'
import type { Aggregate, FeatureService, FeaturesFile, FeatureView } from './contract.ts'
import { type KeyType, keyNames, keyTypes } from './key-types.ts'

export type Definitions = Static<typeof FeaturesFile>
export type View = Static<typeof FeatureView>
export type Service = Static<typeof FeatureService>
export type AggregateDefinition = Static<typeof Aggregate>

/** A view with what it takes to compute it. */
export type ResolvedView = { view: View; keys: string[]; types: ReadonlyMap<string, KeyType>; features: string[] }

/** One service with the views behind it, each with the features asked of it. */
export type ResolvedService = {
  service: Service
  request: { name: string; type: 'number' | 'string' }[]
  views: ResolvedView[]
}

export function featureNames(view: View): string[] {
  return [...(view.features ?? []), ...(view.aggregates ?? []).map(({ feature }) => feature)]
}

/** Every reference leads somewhere, every name is there once, every aggregate has what it needs. */
export function checkDefinitions(definitions: Definitions, sources: string[]): void {
  const { entities, views, services } = definitions
  unique(
    'entity',
    entities.map(({ name }) => name),
  )
  unique(
    'view',
    views.map(({ name }) => name),
  )
  unique(
    'service',
    services.map(({ name }) => name),
  )
  for (const view of views) {
    known(
      'entity',
      view.entity,
      entities.map(({ name }) => name),
      `view "${view.name}"`,
    )
    known('source', view.source, sources, `view "${view.name}"`)
    unique('feature', featureNames(view))
    if (featureNames(view).length === 0)
      throw invalidInput(`The view "${view.name}" has no features.`, { name: view.name })
    for (const aggregate of view.aggregates ?? []) {
      if (aggregate.fn !== 'count' && aggregate.of === undefined) {
        throw invalidInput(
          `The feature "${aggregate.feature}" needs "of": the column to take the ${aggregate.fn} of.`,
          { name: aggregate.feature },
        )
      }
    }
  }
  for (const service of services) resolveService(definitions, service.name)
}

/** Finds what a service is made of. Names of features are short and must not collide in one service. */
export function resolveService(definitions: Definitions, name: string): ResolvedService {
  const { entities, views, services } = definitions
  known(
    'feature service',
    name,
    services.map((service) => service.name),
    'this request',
  )
  const service = services.find((candidate) => candidate.name === name) ?? { name }
  const request = service.request ?? []
  const resolved = new Map<string, ResolvedView>()
  for (const reference of service.features ?? []) {
    const [viewName = '', feature = ''] = reference.split(':')
    known(
      'view',
      viewName,
      views.map((view) => view.name),
      `service "${name}"`,
    )
    const view = views.find((candidate) => candidate.name === viewName)
    if (!view) continue
    known('feature', feature, featureNames(view), `service "${name}"`)
    const entity = entities.find((candidate) => candidate.name === view.entity)
    const [keys, types] = entity ? [keyNames(entity), keyTypes(definitions, entity)] : [[], new Map<string, KeyType>()]
    const entry = resolved.get(viewName) ?? { view, keys, types, features: [] }
    entry.features.push(feature)
    resolved.set(viewName, entry)
  }
  unique('value', [
    ...request.map((field) => field.name),
    ...[...resolved.values()].flatMap(({ features }) => features),
  ])
  for (const { view, keys } of resolved.values()) {
    for (const key of keys)
      known(
        'request field',
        key,
        request.map((field) => field.name),
        `view "${view.name}" of service "${name}"`,
      )
  }
  return { service, request, views: [...resolved.values()] }
}

function unique(what: string, names: string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw invalidInput(`The ${what} "${twice}" is defined twice.`, { name: twice })
}

function known(what: string, name: string, names: string[], by: string): void {
  if (names.includes(name)) return
  throw invalidInput(`The ${what} "${name}", used by ${by}, does not exist.`, { name, hint: didYouMean(name, names) })
}
