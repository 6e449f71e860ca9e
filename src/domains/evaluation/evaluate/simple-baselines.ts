import type { Context } from '../../../core/context.ts'
import type { Output } from '../../../core/contract.ts'
import { AppError } from '../../../core/errors.ts'
import { identifier } from '../../../core/lake.ts'
import type { Value } from '../../../core/onnx/onnx.ts'
import * as datasets from '../../datasets/datasets.ts'
import type { ModelSpec } from '../../registry/spec/spec.ts'
import { constantOf, type ModelVersion } from '../answers/answers.ts'
import { columnOf, encode, findMetric, judgingOf, metricOf } from '../comparison/comparison.ts'
import type { evaluation } from '../contract.ts'
import { instantOf } from '../golden/golden.ts'
import type { ComparisonRun } from './run-comparison.ts'

type SimpleBaselines = Output<(typeof evaluation)['evaluate']>['simpleBaselines']

type SimpleBaselinesInput = { spec: ModelSpec; version: ModelVersion; comparisonRun: ComparisonRun }

/** The scores of simple answers that need no model. An answer that would need knowledge of the future is left out. */
export async function simpleBaselines(
  ctx: Context,
  { spec, version, comparisonRun }: SimpleBaselinesInput,
): Promise<SimpleBaselines> {
  const judging = judgingOf(spec)
  const name = spec.success.quality.metric
  const metric = findMetric(judging, name)
  const { set, items, pairs, baseline } = comparisonRun
  const known = { spec, definition: set.definition, items }
  const constant = baseline.constant ?? (await constantOf(ctx, version, known))?.value ?? null
  if (!metric || constant === null || judging.task === 'text') return []
  const shownConstant = typeof constant === 'number' ? Number(constant.toPrecision(4)) : JSON.stringify(constant)
  const answers: [string, Value[]][] = [[`constant ${shownConstant}`, items.map(() => constant)]]
  const column = set.definition.time
  if (column !== undefined && typeof constant === 'number') {
    const moments = items.flatMap((item) => instantOf(item[column]) ?? [])
    const recent = await lastKnownLabels(ctx, { labels: spec.labels?.from, moments })
    if (recent) answers.push(['mean label known of the last 7 d', recent.map(({ rate }) => rate ?? constant)])
    // The last outcome as a probability is 0 or 1: every error costs infinitely much, so log loss says nothing about it.
    if (recent && (judging.task === 'regression' || metric.counts))
      answers.push(['last label known', recent.map(({ last }) => last ?? constant)])
  }
  if (comparisonRun.logistic) answers.push(['logistic regression', comparisonRun.logistic])
  return answers
    .map(([answered, values]) => {
      const side = { answers: [values], scores: {} }
      const { labels, candidate } = encode({ labels: pairs.labels, candidate: side, baseline: side }, judging)
      const outputs = candidate[columnOf(judging, metric)] ?? []
      return { name: answered, metric: name, value: metricOf(metric, { labels, outputs, lists: pairs.lists }) }
    })
    .filter(({ value }) => Number.isFinite(value))
}

const maxMoments = 5000
const windowDays = 7

type KnownLabels = { rate: number | null; last: number | null }

/**
 * The mean label of the seven days before each moment, and the last label, both from rows that were already known then.
 * Undefined where the time at which rows became known is not recorded: using them might look into the future.
 */
async function lastKnownLabels(
  ctx: Context,
  { labels, moments }: { labels: string | undefined; moments: readonly Date[] },
): Promise<KnownLabels[] | undefined> {
  const [source = '', column = ''] = labels?.split('.') ?? []
  if (column === '' || moments.length === 0 || moments.length > maxMoments) return undefined
  const knownAt = await knownAtOf(ctx, source)
  if (knownAt === undefined) return undefined
  const values = moments.map((moment, index) => `(${index}, timestamp '${moment.toISOString().slice(0, -1)}')`)
  const known = identifier(knownAt)
  const rows = await datasets.withSource(ctx, { source }, async (lake, table) => {
    const columns = (await lake.query(`describe ${table}`)).map((row) => row['column_name'])
    if (!columns.includes(column)) return undefined
    return lake.query(
      `select moments.position as position, avg(rows.label) as rate, arg_max(rows.label, rows.known_at) as last
       from (values ${values.join(', ')}) as moments (position, moment)
       join (select ${known} as known_at, try_cast(${identifier(column)} as double) as label from ${table}) as rows
         on rows.known_at <= moments.moment and rows.known_at > moments.moment - interval ${windowDays} day
       group by moments.position`,
    )
  })
  if (rows === undefined) return undefined
  const found: KnownLabels[] = moments.map(() => ({ rate: null, last: null }))
  for (const { position, rate, last } of rows) {
    if (typeof rate === 'number' && typeof last === 'number') found[Number(position)] = { rate, last }
  }
  return found
}

async function knownAtOf(ctx: Context, source: string): Promise<string | undefined> {
  try {
    return (await datasets.describeSource(ctx, source)).definition.known_at
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return undefined
    throw error
  }
}
