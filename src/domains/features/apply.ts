import { afterCommit, type Context } from '../../core/context.ts'
import { transaction } from '../../core/transaction.ts'
import * as datasets from '../datasets/datasets.ts'
import { append } from './events.ts'
import { keyColumns } from './key-types.ts'
import { rebuild } from './online-state.ts'
import { checkDefinitions, type Definitions } from './rules.ts'
import * as store from './store.ts'

/** Replaces all entities, views and services at once. */
export function applyFeatures(ctx: Context, definitions: Definitions): Promise<void> {
  return transaction(ctx, async (ctx) => {
    const sources = await datasets.describeSources(ctx)
    checkDefinitions(
      definitions,
      sources.map(({ name }) => name),
    )
    const declared = sources.map(({ name, definition }) => [name, datasets.declaredTypes(definition)] as const)
    const keys = keyColumns(definitions, new Map(declared))
    for (const { name } of sources) await datasets.declareKeys(ctx, name, keys.get(name) ?? {})
    const rows = (kind: store.Kind, items: { name: string }[]) =>
      items.map((item) => ({ kind, name: item.name, definition: item }))
    await store.replaceDefinitions(ctx, [
      ...rows('entity', definitions.entities),
      ...rows('view', definitions.views),
      ...rows('service', definitions.services),
    ])
    await append(ctx, 'features.applied', 'features/all', {
      views: definitions.views.length,
      services: definitions.services.length,
    })
    afterCommit(ctx, () => rebuild(ctx))
  })
}
