import { milliseconds } from '../../../core/duration.ts'
import type { ModelSpec } from '../../registry/spec/spec.ts'

/** How rows of a source find the predictions that they are labels of. */
export type LabelSetup = {
  source: string
  column: string
  /** By a column with the id, `prediction_id` where none is named, or by pairs of a column and an input. */
  join: { by: 'id'; column: string; named: boolean } | { by: 'key'; pairs: [column: string, input: string][] }
  /** In milliseconds. */
  after: number | undefined
  within: number
}

export function labelSetup({ labels }: ModelSpec): LabelSetup | undefined {
  if (labels === undefined) return undefined
  const at = labels.from.indexOf('.')
  if (at < 0) return undefined
  const pairs = Array.isArray(labels.by)
    ? labels.by.map((column): [string, string] => [column, column])
    : Object.entries(labels.by ?? {})
  return {
    source: labels.from.slice(0, at),
    column: labels.from.slice(at + 1),
    join:
      pairs.length > 0
        ? { by: 'key', pairs }
        : { by: 'id', column: labels.id ?? 'prediction_id', named: labels.id !== undefined },
    after: labels.after === undefined ? undefined : milliseconds(labels.after),
    within: milliseconds(labels.arrive_within),
  }
}

/** Whether somebody asked for these labels to come by themselves: then it is a problem when they cannot. */
export function isAskedFor({ join }: LabelSetup): boolean {
  return join.by === 'key' || join.named
}

export type PredictionSetup = {
  source: string
  columns: { id: string; output: string } & Partial<
    Record<'at' | 'release' | 'version' | 'unit' | 'latency', string | undefined>
  >
  inputs: readonly string[] | undefined
}

export function predictionSetup({ predictions }: ModelSpec): PredictionSetup | undefined {
  if (predictions === undefined) return undefined
  const { from, id = 'id', output = 'output', inputs, ...columns } = predictions
  return { source: from, columns: { ...columns, id, output }, inputs }
}

/** How, in words. */
export function saidLabels(spec: ModelSpec): string {
  const setup = labelSetup(spec)
  if (!setup || !spec.labels) return ''
  const { join, column } = setup
  const { after, arrive_within: within } = spec.labels
  const matured = after === undefined ? '' : `, when ${after} have passed`
  if (join.by === 'id') return `"${column}" by the id in "${join.column}"${matured}`
  const names = join.pairs.map(([column, input]) => (column === input ? `"${column}"` : `"${column}" = "${input}"`))
  const which = after === undefined ? `the first row within ${within}` : `the newest row within ${after}`
  return `"${column}" by ${names.join(' and ')}: ${which}${matured}`
}

export function saidPredictions({ columns }: PredictionSetup): string {
  return `"${columns.output}" by the id in "${columns.id}"`
}
