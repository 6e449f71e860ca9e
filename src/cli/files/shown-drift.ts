import type { Api } from '../../contract.ts'
import type { Output } from '../../core/contract.ts'
import type { FileDrift } from '../../domains/monitoring/monitoring.ts'
import { estimate, facts, moment, number, percent, table } from '../kit/kit.ts'

type ModelDrift = Output<Api['monitoring']['drift']>

const verdicts = { drifted: 'Drifted', steady: 'Steady', cannot_tell: 'Cannot tell' }

/** The newest window of a model beside its reference: what was judged, what was not, and over how many rows. */
export function shownModelDrift(report: ModelDrift): string {
  const { window } = report
  const verdict = `${verdicts[report.verdict]}: ${report.because}.`
  if (!window) return verdict
  const rows = window.drift.map((row) => [
    row.column,
    number(row.psi),
    number(row.critical),
    row.p === undefined ? '–' : chance(row.p),
    `${row.n ?? '–'} / ${row.m ?? '–'}`,
    row.missing === undefined ? '–' : percent(row.missing),
    row.drifted ? 'drifted' : 'steady',
  ])
  const { estimated, knownUpTo, domain, missing = [], notJudged = [], outcomes = [] } = window
  return [
    facts([
      [
        'window',
        `${moment(window.from)} – ${moment(window.to)}, ${window.requests} requests, ${window.labelled} labelled`,
      ],
      ...(window.mergedFrom
        ? [['drift judged over', `${moment(window.mergedFrom)} – ${moment(window.to)}`] as [string, string]]
        : []),
      ['labels known up to', moment(knownUpTo)],
      ['reference', report.reference],
      ...(window.bias.n > 0 ? [['predicted – observed', estimate(window.bias)] as [string, string]] : []),
      ...(window.metrics ?? []).map(shownMetric),
      ['accuracy without labels', estimated ? `${estimate(estimated.accuracy)} ${estimated.blindSpot}` : '–'],
      ['all columns together', domain ? `AUC ${estimate(domain.auc)} (0.5 is alike)` : '–'],
    ]),
    ...(rows.length > 0 ? [table(['column', 'PSI', 'threshold', 'p', 'n', 'missing', ''], rows)] : []),
    ...(outcomes.length > 0
      ? [table(['outcome', 'release', 'arm', 'mean', 'units', 'answers'], outcomes.map(shownOutcome))]
      : []),
    ...holesOf(missing, 'training', 'window'),
    ...notJudgedOf(notJudged),
    verdict,
    report.meaning,
  ].join('\n\n')
}

type Metric = NonNullable<NonNullable<ModelDrift['window']>['metrics']>[number]

type Outcome = NonNullable<NonNullable<ModelDrift['window']>['outcomes']>[number]

function shownOutcome({ outcome, release, arm, mean, units, answers }: Outcome) {
  return [outcome, release, arm, estimate(mean), units, answers]
}

/** `accuracy  0.9 (0.87 … 0.92), n 450, 75 % of the answers`. */
function shownMetric({ metric, estimate: of, share }: Metric): [string, string] {
  return [metric, of.n === 0 ? 'no data' : `${estimate(of)}, ${percent(share)} of the answers`]
}

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
  return [
    `${rows.reference} rows of the reference, ${rows.current} of the current file.`,
    ...(tested.length > 0 ? [table(['column', 'kind', 'test', 'value', 'threshold', ''], tested)] : []),
    ...holesOf(missing, 'reference', 'current'),
    ...notJudgedOf(notJudged),
    verdictOf(report),
  ].join('\n')
}

type Holes = {
  column: string
  reference: { missing: number; n: number }
  now: { value: number | null; n: number; lower?: number | null; upper?: number | null }
  p: number
  changed: boolean
  emptied: boolean
}

/** Columns with missing values on either side; a column that has none is not shown. */
function holesOf(missing: readonly Holes[], before: string, after: string): string[] {
  const rows = missing
    .filter(({ reference, now }) => reference.missing > 0 || now.value !== 0)
    .map(({ column, reference, now, p, changed, emptied }) => [
      column,
      `${percent(reference.missing / reference.n)} of ${reference.n}`,
      `${percent(now.value)} [${percent(now.lower)}, ${percent(now.upper)}] of ${now.n}`,
      chance(p),
      emptied ? 'became empty' : changed ? 'changed' : 'no change shown',
    ])
  return rows.length > 0 ? [table(['missing values', before, after, 'p', ''], rows)] : []
}

function notJudgedOf(columns: readonly { column: string; because: string }[]): string[] {
  if (columns.length === 0) return []
  return [columns.map(({ column, because }) => `"${column}" is not judged: ${because}.`).join('\n')]
}

function chance(p: number): string {
  return p < 0.0001 ? '< 0.0001' : p.toFixed(4)
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
