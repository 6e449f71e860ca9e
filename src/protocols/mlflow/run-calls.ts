import type { Context } from '../../core/context.ts'
import { withoutUndefined } from '../../core/without-undefined.ts'
import * as runs from '../../domains/runs/runs.ts'
import { runConditions, runOrder, toStatus } from '../../domains/runs/search-language.ts'
import { call, reading } from './call.ts'
import { invalid, missing, orSay } from './errors.ts'
import { noExperiment, view } from './experiments.ts'
import * as input from './input.ts'
import * as views from './views.ts'

const maxTagLength = 8000

export const runCalls = [
  call('POST runs/create', create),
  call('GET runs/get', get),
  call('POST runs/update', update),
  call('POST runs/delete', remove),
  call('POST runs/restore', restore),
  call('POST runs/search', search, reading),
  call('POST runs/set-tag', setTag),
  call('POST runs/delete-tag', deleteTag),
]

export function noRun(id: string) {
  return () => missing(`Run with id=${id} not found`)
}

/** Says in MLflow's words that a run is not there, or is deleted and takes nothing. */
export async function onRun<T>(id: string, work: Promise<T>): Promise<T> {
  const found = orSay(work, 'not_found', noRun(id))
  return orSay(found, 'conflict', () =>
    invalid(`The run ${id} must be in the 'active' state. Current state is deleted.`),
  )
}

async function create(ctx: Context, fields: input.Fields) {
  const experimentId = input.optionalText(fields, 'experiment_id') || '0'
  const tags = input.tags(fields, 'tags', maxTagLength)
  const name = input.optionalText(fields, 'run_name')
  const tagged = tags[runs.nameTag]
  if (name && tagged && name !== tagged)
    throw invalid(
      `Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='${name}', mlflow.runName='${tagged}').`,
    )
  const user = input.optionalText(fields, 'user_id')
  const startedAt = input.optionalInteger(fields, 'start_time')
  const asked = { experimentId, tags, name: name || undefined, user: user || undefined, startedAt }
  const made = runs.recordRun(ctx, withoutUndefined(asked))
  const found = orSay(made, 'not_found', noExperiment(experimentId))
  const record = await orSay(found, 'conflict', () =>
    invalid(`The experiment ${experimentId} must be in the 'active' state. Current state is deleted.`),
  )
  return { run: views.run(record) }
}

async function get(ctx: Context, fields: input.Fields) {
  const id = input.runId(fields)
  const record = await onRun(id, runs.getRecord(ctx, id))
  return { run: views.run(record, (await runs.inputsOf(ctx, [record.number])).get(record.number)) }
}

async function update(ctx: Context, fields: input.Fields) {
  const run = input.runId(fields)
  const status = input.optionalText(fields, 'status')
  const name = input.optionalText(fields, 'run_name')
  const endedAt = input.optionalInteger(fields, 'end_time')
  const change = { run, name: name || undefined, status: status ? toStatus(status) : undefined, endedAt }
  const work = runs.updateRun(ctx, withoutUndefined(change))
  return { run_info: views.runInfo(await onRun(run, work)) }
}

async function remove(ctx: Context, fields: input.Fields) {
  const run = input.runId(fields)
  const { deleted } = await onRun(run, runs.getRunInfo(ctx, run))
  if (!deleted) await runs.deleteRun(ctx, { run })
  return {}
}

async function restore(ctx: Context, fields: input.Fields) {
  const run = input.runId(fields)
  const { deleted } = await onRun(run, runs.getRunInfo(ctx, run))
  if (deleted) await runs.restoreRun(ctx, { run })
  return {}
}

async function search(ctx: Context, fields: input.Fields) {
  const limit = input.maxResults(fields, { fallback: 1000, max: 50_000 })
  const cursor = input.pageToken(fields)
  const { records, next } = await runs.findRecords(ctx, {
    experiments: input.texts(fields, 'experiment_ids').map((id) => (/^\d{1,15}$/.test(id) ? Number(id) : -1)),
    view: view(fields, 'run_view_type'),
    conditions: runConditions(input.optionalText(fields, 'filter')),
    order: runOrder(input.texts(fields, 'order_by')),
    limit,
    ...(cursor === undefined ? {} : { cursor }),
  })
  const found = await runs.inputsOf(
    ctx,
    records.map(({ number }) => number),
  )
  return {
    ...views.list(
      'runs',
      records.map((record) => views.run(record, found.get(record.number))),
    ),
    ...input.tokenOf(next),
  }
}

async function setTag(ctx: Context, fields: input.Fields) {
  const run = input.runId(fields)
  const value = input.cut(input.optionalText(fields, 'value') ?? '', maxTagLength)
  await onRun(run, runs.log(ctx, { run, tags: { [input.key(fields)]: value } }))
  return {}
}

async function deleteTag(ctx: Context, fields: input.Fields) {
  const run = input.runId(fields)
  const key = input.text(fields, 'key')
  await onRun(run, runs.getRunInfo(ctx, run))
  const work = orSay(runs.untagRun(ctx, { run, key }), 'not_found', () =>
    missing(`No tag with name: ${key} in run with id ${run}`),
  )
  await onRun(run, work)
  return {}
}
