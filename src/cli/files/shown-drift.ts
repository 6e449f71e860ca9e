import type { FileDrift } from '../../domains/monitoring/monitoring.ts'
import { percent, table } from '../kit/kit.ts'

/** What was compared and what was not, each with how many values it rests on. */
export function shownDrift(report: FileDrift): string {
  const { columns, missing, notJudged, rows } = report
  const tested = columns.map((row) => [
    row.column,
    row.kind,
    row.test,
    row.value.toPrecision(6),
    row.threshold.toPrecision(3),
    row.drifted ? 'drifted' : 'steady',
  ])
  const holes = missing
    .filter(({ reference, now }) => reference.missing > 0 || now.value > 0)
    .map(({ column, reference, now, p, changed, emptied }) => [
      column,
      `${percent(reference.missing / reference.n)} of ${reference.n}`,
      `${percent(now.value)} [${percent(now.lower)}, ${percent(now.upper)}] of ${now.n}`,
      p < 0.0001 ? '< 0.0001' : p.toFixed(4),
      emptied ? 'became empty' : changed ? 'changed' : 'no change shown',
    ])
  return [
    `${rows.reference} rows of the reference, ${rows.current} of the current file.`,
    ...(tested.length > 0 ? [table(['column', 'kind', 'test', 'value', 'threshold', ''], tested)] : []),
    ...(holes.length > 0 ? [table(['missing values', 'reference', 'current', 'p', ''], holes)] : []),
    ...notJudged.map(({ column, because }) => `"${column}" is not judged: ${because}.`),
    verdictOf(report),
  ].join('\n')
}

function verdictOf({ tool, verdict, drifted, rows, columns, missing, notJudged }: FileDrift): string {
  if (rows.reference === 0 || rows.current === 0)
    return `Cannot tell: the ${rows.current === 0 ? 'current file' : 'reference'} has no rows.`
  const names = (of: { column: string }[]) => of.map(({ column }) => `"${column}"`).join(', ')
  const moved = columns.filter((column) => column.drifted)
  const judged = new Set(columns.map(({ column }) => column)).size
  const emptied = missing.filter((one) => one.emptied)
  const changed = missing.filter((one) => one.changed && !one.emptied)
  const whole = tool === 'evidently' ? `; at half of them the table counts as drifted: ${drifted ? 'yes' : 'no'}` : ''
  return [
    judged === 0
      ? `${verdict === 'cannot_tell' ? 'Cannot tell: n' : 'N'}o column has enough values for a test.`
      : `${new Set(moved.map(({ column }) => column)).size} of ${judged} judged columns drifted${whole}.`,
    ...(emptied.length > 0 ? [`Became empty: ${names(emptied)}.`] : []),
    ...(changed.length > 0 ? [`Other shares of missing values: ${names(changed)}.`] : []),
    ...(notJudged.length > 0 ? [`Not judged: ${notJudged.length}.`] : []),
  ].join(' ')
}
