import type { Static } from 'typebox'
import { unschedule } from '../../core/background/background.ts'
import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { notFound } from '../../core/errors.ts'
import { nextOf } from '../../core/paging.ts'
import { transaction } from '../../core/transaction.ts'
import type { PipelineFile, pipelines } from './contract.ts'
import { append } from './events.ts'
import { schedule } from './jobs.ts'
import * as rules from './rules.ts'
import * as store from './store.ts'
import { checkVariables } from './variables.ts'

type Operations = typeof pipelines

type Pipeline = Output<Operations['get']>

/** Refuses what could not run as it is written. */
export function checkPipeline(definition: rules.Definition): void {
  rules.inOrder(definition)
  checkVariables(definition)
}

/** Declares or changes a pipeline; unchanged definitions keep their version. */
export function applyPipeline(ctx: Context, definition: Static<typeof PipelineFile>): Promise<void> {
  checkPipeline(definition)
  return transaction(ctx, async (ctx) => {
    const old = await store.findPipeline(ctx, definition.pipeline)
    if (old && JSON.stringify(old.definition) === JSON.stringify(definition)) return
    await store.savePipeline(ctx, {
      name: definition.pipeline,
      definition,
      version: (old?.version ?? 0) + 1,
      last_run: old?.last_run ?? null,
      updated_at: ctx.now().toISOString(),
    })
    const name = `pipeline/${definition.pipeline}` as const
    if (definition.schedule) {
      const { cron, zone } = definition.schedule
      const payload = { pipeline: definition.pipeline }
      await schedule(ctx, {
        name,
        kind: 'pipelines.scheduled',
        payload,
        cron,
        ...(zone === undefined ? {} : { zone }),
      })
    } else await unschedule(ctx, name)
    await append(ctx, 'pipelines.applied', name)
  })
}

export async function list(
  ctx: Context,
  { limit = 100, cursor = '' }: Input<Operations['list']>,
): Promise<Output<Operations['list']>> {
  const rows = await store.listPipelines(ctx, cursor, limit)
  return { items: rows.map(toPipeline), ...nextOf(rows, limit, ({ name }) => name) }
}

export async function get(ctx: Context, { pipeline }: Input<Operations['get']>): Promise<Pipeline> {
  const row = await store.findPipeline(ctx, pipeline)
  if (!row)
    throw notFound(
      'Pipeline',
      pipeline,
      'List them with "keel pipelines list"; declare one in pipelines/ and "keel apply".',
    )
  return toPipeline(row)
}

function toPipeline(row: store.PipelineRecord): Pipeline {
  const { name, definition, version } = row
  return { name, definition, version, lastRun: row.last_run, updatedAt: row.updated_at }
}
