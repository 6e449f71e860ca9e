import { resolve } from 'node:path'
import { invalidInput } from '../../core/errors.ts'
import { openLake } from '../../core/lake.ts'
import type { ColumnKind } from '../../core/stats/evidently-nannyml.ts'
import { type FileDrift, fileDrift, type Tool } from '../../domains/monitoring/monitoring.ts'
import {
  type Command,
  type CommandInput,
  estimate,
  facts,
  moment,
  number,
  type Outcome,
  percent,
  type Session,
  string,
  table,
} from '../kit/kit.ts'

export const command: Command = {
  summary: 'Did the world move, and does it matter?',
  arguments: '<model-or-reference> [current]',
  options: [
    { flags: '--against <reference>', help: 'training (default), last-week or last-year' },
    { flags: '--compat <tool>', help: 'compare two files as another tool does: evidently or nannyml' },
    { flags: '--columns <names>', help: 'only these columns of the files, separated by commas' },
    { flags: '--numeric <names>', help: 'columns to take as numbers, rather than as inferred' },
    { flags: '--categorical <names>', help: 'columns to take as categories' },
    { flags: '--text <names>', help: 'columns to take as text' },
    { flags: '--check', help: 'end with exit code 3 when it drifted' },
  ],
  examples: ['keel drift flight-delay', 'keel drift reference.parquet current.parquet --compat evidently --check'],
  run: (session, input) => (input.options['compat'] === undefined ? ofModel(session, input) : ofFiles(session, input)),
}

async function ofModel(session: Session, { args: [model = ''], options }: CommandInput): Promise<Outcome> {
  const against = string(options['against']) as 'training' | undefined
  const report = await (await session.client()).monitoring.drift({ model, ...(against ? { against } : {}) })
  const { window } = report
  if (!window) return { data: report, text: 'No window is complete yet.' }
  const rows = window.drift.map((row) => [
    row.column,
    number(row.psi),
    number(row.critical),
    row.p === undefined ? '–' : row.p < 0.0001 ? '< 0.0001' : row.p.toFixed(4),
    row.missing === undefined ? '–' : percent(row.missing),
    row.drifted ? 'drifted' : 'steady',
  ])
  const { estimated, knownUpTo, domain } = window
  const text = [
    facts([
      [
        'window',
        `${moment(window.from)} – ${moment(window.to)}, ${window.requests} requests, ${window.labelled} labelled`,
      ],
      ['labels known up to', moment(knownUpTo)],
      ['reference', report.reference],
      ['predicted – observed', estimate(window.bias)],
      ['accuracy without labels', estimated ? `${estimate(estimated.accuracy)} ${estimated.blindSpot}` : '–'],
      ['all columns together', domain ? `AUC ${estimate(domain.auc)} (0.5 is alike)` : '–'],
    ]),
    rows.length === 0 ? 'No column was compared.' : table(['column', 'PSI', 'threshold', 'p', 'missing', ''], rows),
    report.meaning,
  ]
  const drifted = window.drift.some((row) => row.drifted)
  return {
    data: report,
    text: text.join('\n\n'),
    exitCode: options['check'] === true && drifted ? 3 : 0,
    next: [`keel alerts ${model}`],
  }
}

async function ofFiles(session: Session, { args, options }: CommandInput): Promise<Outcome> {
  const [reference = '', current = ''] = args
  const tool = string(options['compat']) ?? ''
  if (tool !== 'evidently' && tool !== 'nannyml')
    throw invalidInput(`"${tool}" is not a tool to follow: evidently or nannyml.`, { name: tool })
  if (current === '')
    throw invalidInput('Two files are compared: the reference and the current one.', {
      hint: `keel drift reference.parquet current.parquet --compat ${tool}`,
    })
  const lake = openLake()
  const progress = session.progress('Comparing columns')
  try {
    const report = await fileDrift(lake, {
      reference: resolve(session.io.cwd, reference),
      current: resolve(session.io.cwd, current),
      tool,
      kinds: kindsOf(options),
      onColumn: (done, total) => progress.update(done, total),
      ...(options['columns'] === undefined ? {} : { columns: namesOf(options['columns']) }),
    })
    return { data: report, text: shown(report, tool), exitCode: options['check'] === true && report.drifted ? 3 : 0 }
  } finally {
    progress.end()
    lake.close()
  }
}

function shown(report: FileDrift, tool: Tool): string {
  const rows = report.columns.map((row) => [
    row.column,
    row.kind,
    row.test,
    Number.isNaN(row.value) ? '–' : row.value.toPrecision(6),
    Number.isNaN(row.threshold) ? '–' : row.threshold.toPrecision(3),
    row.drifted ? 'drifted' : 'steady',
  ])
  const count = report.columns.filter(({ drifted }) => drifted).length
  const verdict = `${count} of ${report.columns.length} columns drifted${tool === 'evidently' ? `; at half of them the table counts as drifted: ${report.drifted ? 'yes' : 'no'}` : ''}.`
  const left = report.left.map(({ column, because }) => `"${column}" was left out: ${because}.`)
  return [table(['column', 'kind', 'test', 'value', 'threshold', ''], rows), verdict, ...left].join('\n')
}

function kindsOf(options: CommandInput['options']): Record<string, ColumnKind> {
  const kinds = (['numeric', 'categorical', 'text'] as const).flatMap((kind) =>
    namesOf(options[kind]).map((name) => [name, kind] as const),
  )
  return Object.fromEntries(kinds)
}

function namesOf(option: CommandInput['options'][string]): string[] {
  return (string(option) ?? '').split(',').filter((name) => name !== '')
}
