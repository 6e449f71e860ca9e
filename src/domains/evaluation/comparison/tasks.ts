import { type MetricTask, metricsOf } from '../../../core/stats/metrics.ts'
import { mean } from '../../../core/stats/summary.ts'
import type { ModelSpec, Scorer } from '../../registry/spec/spec.ts'
import type { Metric } from './units.ts'

export type Task = MetricTask | 'text'

/** What scores an answer: a scorer of the spec, or somebody else who wrote any number into a column. */
export type ScoredBy = { name: string; kind: Scorer['kind'] | 'column'; direction?: 'higher' | 'lower' }

/** The kind of a model's answers, and what scores them. */
export type MetricBasis = { task: Task; scorers: readonly ScoredBy[] }

export function judgingOf(spec: ModelSpec): MetricBasis {
  return {
    task: spec.serves.output,
    scorers: (spec.success.scorers ?? []).map(({ name, kind }) => ({ name, kind })),
  }
}

/** The metrics of a task by name; answers of text have one for each scorer of the spec. */
export function metricsFor({ task, scorers }: MetricBasis): Metric[] {
  if (task === 'text') return scorers.map(scorerMetric)
  return Object.entries(metricsOf[task]).map(([name, metric]) => ({ ...metric, name }))
}

export function findMetric(judging: MetricBasis, name: string): Metric | undefined {
  return metricsFor(judging).find((metric) => metric.name === name)
}

const gradedKinds = new Set<ScoredBy['kind']>(['command', 'judge', 'column'])

function scorerMetric({ name, kind, direction = 'higher' }: ScoredBy): Metric {
  return {
    name,
    says: `Mean score of the answers by "${name}" (${kind.replaceAll('_', ' ')})`,
    direction,
    value: (_labels, scores) => mean(Array.from(scores)),
    perItem: (_label, score) => score,
    ...(gradedKinds.has(kind) ? {} : { counts: true }),
  }
}

/** The column of encoded answers that a metric reads: a scorer's own, or the answer. */
export function columnOf({ task }: MetricBasis, metric: Metric): string {
  return task === 'text' ? metric.name : (metric.reads ?? 'answer')
}

/** The answers that are collected for each item: several for prompts, which answer differently each time. */
export function repeatsOf({ success, serves }: ModelSpec): number {
  return success.repeats ?? (serves.provider ? 3 : 1)
}
