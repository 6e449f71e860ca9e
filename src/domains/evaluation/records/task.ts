import { invalidInput } from '../../../core/errors.ts'
import type { Value } from '../../../core/onnx/onnx.ts'
import { type MetricTask, metricsOf } from '../../../core/stats/metrics.ts'
import { didYouMean } from '../../../core/suggest.ts'

type TaskEvidence = { metric: string; labels: readonly Value[]; answers: readonly Value[]; ranked: boolean }

/** The kind of the answers: the one that has the metric, and where several have it, the one that the values are of. */
export function taskOf({ metric, labels, answers, ranked }: TaskEvidence): MetricTask {
  const all = Object.keys(metricsOf) as MetricTask[]
  const having = all.filter((task) => metric in metricsOf[task] && (task === 'ranking') === ranked)
  const [only, ...others] = having
  if (only === undefined) throw unknownMetric(metric, all, ranked)
  const fitting = having.filter((task) => fits(task, labels, answers))
  if (fitting[0] !== undefined) return fitting[0]
  throw invalidInput(
    `"${metric}" is a metric of ${[only, ...others].join(' and ')} answers, and these values are not of that kind.`,
    {
      name: metric,
      hint: needs[only],
    },
  )
}

const needs: Record<MetricTask, string> = {
  binary:
    'Labels must be 0 and 1 (or true and false) and answers probabilities from 0 to 1. Name the positive one of two texts with --positive.',
  multiclass: 'Labels and answers must be classes.',
  regression: 'Labels and answers must be numbers.',
  ranking: 'Labels and answers must be numbers: how relevant an item is, and its score.',
}

function fits(task: MetricTask, labels: readonly Value[], answers: readonly Value[]): boolean {
  if (task === 'multiclass') return true
  const numbers = [...labels, ...answers].every((value) => value === null || typeof value === 'number')
  return task === 'binary' ? numbers && labels.every((label) => label === 0 || label === 1) : numbers
}

function unknownMetric(metric: string, tasks: readonly MetricTask[], ranked: boolean): Error {
  const names = [...new Set(tasks.flatMap((task) => Object.keys(metricsOf[task])))]
  if (metric in metricsOf.ranking && !ranked)
    return invalidInput(`"${metric}" is of ranked lists.`, {
      name: metric,
      hint: 'Name the column of the list that an item belongs to with --list.',
    })
  return invalidInput(`"${metric}" is not a metric${ranked ? ' of ranked lists' : ''}.`, {
    name: metric,
    hint: didYouMean(metric, names) ?? `Use one of: ${names.join(', ')}; or compare a column of scores with --score.`,
  })
}
