import type { Output } from '../../core/contract.ts'
import { toCsv } from '../../core/tables/tables.ts'
import type { runs } from '../../domains/runs/contract.ts'
import { type Cell, moment, number, table } from '../kit/kit.ts'

export type Run = Output<(typeof runs)['get']>
type Kind = 'params' | 'metrics' | 'tags'
export type Difference = { kind: Kind; key: string; values: (string | number | null)[] }

/** Every param and metric in which the runs are not all alike; with `all`, the others too. */
export function compareRuns(found: Run[], all: boolean): Difference[] {
  return (['params', 'metrics'] as const).flatMap((kind) =>
    keysOf(found, kind)
      .map((key) => ({ kind, key, values: found.map((run) => run[kind][key] ?? null) }))
      .filter(({ values }) => all || new Set(values).size > 1),
  )
}

function keysOf(found: Run[], kind: Kind): string[] {
  return [...new Set(found.flatMap((run) => Object.keys(run[kind])))].sort()
}

export function comparisonTable(found: Run[], differences: Difference[]): string {
  const cell = (value: string | number | null): Cell => (typeof value === 'number' ? number(value, 4) : value)
  return table(
    ['', ...found.map((run) => run.name)],
    [
      ['run', ...found.map((run) => run.id.slice(0, 8))],
      ['status', ...found.map((run) => run.status)],
      ['started', ...found.map((run) => moment(run.startedAt))],
      ...differences.map(({ kind, key, values }) => [`${kind.slice(0, -1)} ${key}`, ...values.map(cell)]),
    ],
  )
}

/** One line for each run, a column for each param, metric and tag that any of them has. */
export function runsCsv(found: Run[]): string {
  const kinds = ['params', 'metrics', 'tags'] as const
  const columns = kinds.flatMap((kind) => keysOf(found, kind).map((key) => ({ kind, key })))
  const header = ['run', 'experiment', 'name', 'status', 'started', 'ended']
  return toCsv([
    [...header, ...columns.map(({ kind, key }) => `${kind}.${key}`)],
    ...found.map((run) => [
      run.id,
      run.experiment,
      run.name,
      run.status,
      run.startedAt,
      run.endedAt,
      ...columns.map(({ kind, key }) => run[kind][key] ?? null),
    ]),
  ])
}
