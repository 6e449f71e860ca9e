import type { Context } from '../../core/context.ts'
import * as traces from '../../domains/traces/traces.ts'
import { call } from './call.ts'
import { missing, orSay } from './errors.ts'
import { noExperiment } from './experiments.ts'
import * as input from './input.ts'
import { list } from './views.ts'

const v3 = { version: '3.0' } as const
const maxScorerLength = 1_000_000

export const scorerCalls = [
  call('POST scorers/register', register, v3),
  call('GET scorers/list', listAll, v3),
  call('GET scorers/versions', versions, v3),
  call('GET scorers/get', get, v3),
  call('DELETE scorers/delete', remove, v3),
  call('GET scorers/online-configs', () => ({ configs: [] }), v3),
]

function view(scorer: traces.Scorer) {
  return {
    experiment_id: Number(scorer.experiment),
    scorer_name: scorer.name,
    scorer_version: scorer.version,
    serialized_scorer: scorer.content,
    creation_time: scorer.createdAt,
    scorer_id: scorer.id,
  }
}

function place(fields: input.Fields) {
  return { experiment: input.text(fields, 'experiment_id'), name: input.text(fields, 'name', { max: 250 }) }
}

function found<T>({ experiment, name }: { experiment: string; name: string }, lookup: Promise<T>): Promise<T> {
  return orSay(lookup, 'not_found', () => missing(`Scorer with name '${name}' not found for experiment ${experiment}.`))
}

async function register(ctx: Context, fields: input.Fields) {
  const scorer = { ...place(fields), content: input.text(fields, 'serialized_scorer', { max: maxScorerLength }) }
  const made = await orSay(traces.registerScorer(ctx, scorer), 'not_found', noExperiment(scorer.experiment))
  return {
    version: made.version,
    scorer_id: made.id,
    experiment_id: made.experiment,
    name: made.name,
    serialized_scorer: made.content,
    creation_time: made.createdAt,
  }
}

async function listAll(ctx: Context, fields: input.Fields) {
  return list('scorers', (await traces.listScorers(ctx, { experiment: input.text(fields, 'experiment_id') })).map(view))
}

async function versions(ctx: Context, fields: input.Fields) {
  const where = place(fields)
  return list('scorers', (await found(where, traces.listScorerVersions(ctx, where))).map(view))
}

async function get(ctx: Context, fields: input.Fields) {
  const where = { ...place(fields), version: input.optionalInteger(fields, 'version') }
  return { scorer: view(await found(where, traces.getScorer(ctx, where))) }
}

async function remove(ctx: Context, fields: input.Fields) {
  const where = { ...place(fields), version: input.optionalInteger(fields, 'version') }
  await found(where, traces.deleteScorer(ctx, where))
  return {}
}
