import { resolve } from 'node:path'
import { invalidInput } from '../../core/errors.ts'
import { openLake } from '../../core/lake.ts'
import type { ColumnKind } from '../../core/stats/evidently-nannyml.ts'
import { withoutUndefined } from '../../core/without-undefined.ts'
import { DriftReference } from '../../domains/monitoring/contract.ts'
import { fileDrift, type Tool, tools } from '../../domains/monitoring/monitoring.ts'
import { dialect, dialectOptions } from '../files/dialect.ts'
import { shownDrift, shownModelDrift } from '../files/shown-drift.ts'
import {
  argument,
  defineCommand,
  flag,
  type Outcome,
  oneOf,
  optionalArgument,
  type Session,
  text,
  type Values,
  withDefault,
} from '../kit/kit.ts'

const options = {
  against: withDefault(oneOf(DriftReference, 'what it is compared with', 'reference'), 'training'),
  compat: oneOf(tools, 'compare two files as another tool does', 'tool'),
  columns: text('only these columns of the files, separated by commas', 'names'),
  numeric: text('columns to take as numbers, rather than as inferred', 'names'),
  categorical: text('columns to take as categories', 'names'),
  text: text('columns to take as text', 'names'),
  check: flag('end with exit code 3 when it drifted'),
  ...dialectOptions,
}
type Options = Values<typeof options>

export const command = defineCommand({
  summary: 'Did the world move, and does it matter?',
  args: { subject: argument('model-or-reference'), current: optionalArgument() },
  options,
  examples: ['keel drift flight-delay', 'keel drift reference.parquet current.parquet --compat evidently --check'],
  run: (session, { args: { subject, current }, options }) =>
    options.compat === undefined
      ? ofModel(session, subject, options)
      : ofFiles(session, { reference: subject, current, tool: options.compat, options }),
})

async function ofModel(session: Session, model: string, { against, check }: Options): Promise<Outcome> {
  const report = await (await session.client()).monitoring.drift({ model, against })
  return {
    data: report,
    text: shownModelDrift(report),
    exitCode: exitCodeOf(report.verdict, check),
    next: report.window ? [`keel alerts ${model}`] : [],
  }
}

type Files = { reference: string; current: string | undefined; tool: Tool; options: Options }

async function ofFiles(session: Session, { reference, current, tool, options }: Files): Promise<Outcome> {
  if (current === undefined)
    throw invalidInput('Two files are compared: the reference and the current one.', {
      hint: `keel drift reference.parquet current.parquet --compat ${tool}`,
    })
  const lake = openLake()
  const progress = session.progress('Comparing columns')
  try {
    const asked = withoutUndefined({
      reference: resolve(session.io.cwd, reference),
      current: resolve(session.io.cwd, current),
      tool,
      dialect: dialect(options),
      onNote: session.say,
      kinds: kindsOf(options),
      onColumn: progress.update,
      columns: options.columns === undefined ? undefined : namesOf(options.columns),
    })
    const report = await fileDrift(lake, asked)
    return { data: report, text: shownDrift(report), exitCode: exitCodeOf(report.verdict, options.check) }
  } finally {
    progress.end()
    lake.close()
  }
}

/** What cannot be told is no answer, whether or not somebody asked for a check. */
function exitCodeOf(verdict: 'drifted' | 'steady' | 'cannot_tell', check: boolean): number {
  if (verdict === 'cannot_tell') return 4
  return check && verdict === 'drifted' ? 3 : 0
}

function kindsOf(options: Options): Record<string, ColumnKind> {
  const kinds = (['numeric', 'categorical', 'text'] as const).flatMap((kind) =>
    namesOf(options[kind]).map((name) => [name, kind] as const),
  )
  return Object.fromEntries(kinds)
}

function namesOf(option: string | undefined): string[] {
  return (option ?? '').split(',').filter((name) => name !== '')
}
