import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { AppError, invalidInput } from '../../core/errors.ts'
import { withoutUndefined } from '../../core/without-undefined.ts'
import { runConditions, runOrder } from '../../domains/runs/search-language.ts'
import {
  amount,
  argument,
  assignments,
  type Command,
  type CommonOptions,
  defineCommand,
  facts,
  flag,
  listing,
  listOptions,
  moment,
  number,
  type Outcome,
  oneOf,
  optionalArgument,
  required,
  type Session,
  table,
  text,
  texts,
  type Values,
  withDefault,
} from '../kit/kit.ts'
import { compareRuns, comparisonTable, type Run, runsCsv } from '../tracking/run-comparison.ts'

const otherOptions = {
  experiment: texts('only of these experiments', 'name'),
  order: text('such as "metrics.auc DESC" (default: newest first)', 'field'),
  deleted: flag('those that were deleted'),
}
const searchOptions = {
  filter: text('such as "metrics.auc > 0.8 AND params.model = \'tree\'"', 'terms'),
  ...otherOptions,
}
const exportOptions = {
  ...searchOptions,
  format: withDefault(oneOf(['csv', 'json'], 'how they are written'), 'csv'),
  out: text('where to write', 'file'),
}
const logOptions = {
  metric: texts('metrics', 'name=value'),
  param: texts('params', 'name=value'),
  file: text('metrics: the numbers of a JSON object', 'metrics.json'),
  step: amount('step of the metrics'),
}

export const command: Command = {
  summary: 'Tracked runs: params, metrics, tags',
  commands: {
    list: defineCommand({
      summary: 'Runs, newest first, or those that a search finds',
      options: { ...searchOptions, ...listOptions },
      examples: ['keel runs list --experiment flights --filter "metrics.auc > 0.7" --order "metrics.auc DESC"'],
      run: (session, { options }) => search(session, options),
    }),
    search: defineCommand({
      summary: 'Runs for which all terms hold',
      args: { filter: argument() },
      options: { ...otherOptions, ...listOptions },
      examples: [`keel runs search "metrics.auc > 0.7 AND params.model = 'tree'" --order "metrics.auc DESC"`],
      run: (session, { args: { filter }, options }) => search(session, { ...options, filter }),
    }),
    show: defineCommand({
      summary: 'One run',
      args: { run: argument() },
      async run(session, { args: { run } }) {
        const found = await (await session.client()).runs.get({ run })
        return {
          data: found,
          text: facts([
            ['run', found.id],
            ['name', found.name],
            ['experiment', found.experiment],
            ['status', found.status],
            ['started', moment(found.startedAt)],
            ['ended', moment(found.endedAt)],
            ...Object.entries(found.params).map(([key, value]): [string, string] => [`param ${key}`, value]),
            ...Object.entries(found.metrics).map(([key, value]): [string, string] => [
              `metric ${key}`,
              number(value, 4),
            ]),
            ...Object.entries(found.tags).map(([key, value]): [string, string] => [`tag ${key}`, value]),
          ]),
        }
      },
    }),
    compare: defineCommand({
      summary: 'Runs side by side: what is not the same',
      args: { runs: required(texts('', 'runs')) },
      options: { all: flag('also what is the same') },
      async run(session, { args: { runs }, options }) {
        const found = await runsOf(session, runs)
        const differences = compareRuns(found, options.all)
        return {
          data: { runs: found.map(({ id, name }) => ({ id, name })), differences },
          text: comparisonTable(found, differences),
        }
      },
    }),
    diff: defineCommand({
      summary: 'What changed from one run to another',
      args: { from: argument(), to: argument() },
      run: (session, { args: { from, to } }) => diff(session, from, to),
    }),
    history: defineCommand({
      summary: 'Every value of one metric of a run',
      args: { run: argument(), metric: argument() },
      options: listOptions,
      async run(session, input) {
        const { run, metric: key } = input.args
        const client = await session.client()
        return listing(input, {
          fetch: (paging) => client.runs.metricHistory({ run, key, ...paging }),
          headers: ['step', 'value', 'at'],
          row: (point) => [point.step, number(point.value, 6), moment(point.at)],
        })
      },
    }),
    export: defineCommand({
      summary: 'Runs as CSV or JSON, to a file or to stdout',
      options: exportOptions,
      examples: ['keel runs export --experiment flights --out runs.csv'],
      run: (session, { options }) => exportRuns(session, options),
    }),
    delete: defineCommand({
      summary: 'Delete runs; they can be restored',
      args: { runs: required(texts('', 'runs')) },
      async run(session, { args: { runs } }) {
        const client = await session.client()
        for (const run of runs) await client.runs.deleteRun({ run })
        return {
          data: { deleted: runs },
          text: `${runs.length} deleted.`,
          next: [`keel runs restore ${runs.join(' ')}`],
        }
      },
    }),
    restore: defineCommand({
      summary: 'Restore deleted runs',
      args: { runs: required(texts('', 'runs')) },
      async run(session, { args: { runs } }) {
        const client = await session.client()
        for (const run of runs) await client.runs.restoreRun({ run })
        return { data: { restored: runs }, text: `${runs.length} restored.` }
      },
    }),
    log: defineCommand({
      summary: 'Log metrics and params to a run; in a pipeline step the run is known',
      args: { run: optionalArgument() },
      options: logOptions,
      run: (session, { args: { run }, options }) => log(session, run, options),
    }),
  },
}

function query({ experiment, filter, order, deleted }: Values<typeof searchOptions>) {
  const { conditions, sorts } = understood(filter, order)
  return {
    experiments: experiment.length === 0 ? undefined : experiment,
    view: deleted ? ('deleted' as const) : ('active' as const),
    conditions,
    order: sorts,
  }
}

/** The language is the one that MLflow's clients search with. */
function understood(filter: string | undefined, order: string | undefined) {
  try {
    return { conditions: runConditions(filter), sorts: order === undefined ? [] : runOrder([order]) }
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause
    throw invalidInput(cause.message, {
      name: filter ?? order,
      hint: `Terms are joined by AND, such as "metrics.auc > 0.8 AND params.model = 'tree'".`,
      cause,
    })
  }
}

type Listed = Values<typeof searchOptions & typeof listOptions> & CommonOptions

async function search(session: Session, options: Listed): Promise<Outcome> {
  const wanted = query(options)
  const client = await session.client()
  return listing(
    { options },
    {
      fetch: (paging) => client.runs.find({ ...wanted, ...paging }),
      headers: ['run', 'name', 'experiment', 'status', 'started', 'metrics'],
      row: (run) => [run.id, run.name, run.experiment, run.status, moment(run.startedAt), metricsLine(run.metrics)],
    },
  )
}

async function runsOf(session: Session, ids: string[]): Promise<Run[]> {
  const client = await session.client()
  const found: Run[] = []
  for (const run of ids) found.push(await client.runs.get({ run }))
  return found
}

async function diff(session: Session, from: string, to: string): Promise<Outcome> {
  const found = await runsOf(session, [from, to])
  const differences = compareRuns(found, false)
  const change = (from: unknown, to: unknown) =>
    typeof from === 'number' && typeof to === 'number' ? `${to >= from ? '+' : ''}${number(to - from, 4)}` : ''
  return {
    data: differences.map(({ kind, key, values: [from = null, to = null] }) => ({ kind, key, from, to })),
    text: table(
      ['', 'from', 'to', 'change'],
      differences.map(({ kind, key, values: [from, to] }) => [
        `${kind.slice(0, -1)} ${key}`,
        from,
        to,
        change(from, to),
      ]),
    ),
  }
}

async function exportRuns(session: Session, options: Values<typeof exportOptions>): Promise<Outcome> {
  const { format, out } = options
  const client = await session.client()
  const wanted = query(options)
  const found: Run[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await client.runs.find({ ...wanted, limit: 1000, cursor })
    found.push(...page.items)
    cursor = page.next
    if (cursor === undefined) break
  }
  const content = format === 'csv' ? runsCsv(found) : `${JSON.stringify(found, null, 2)}\n`
  if (out === undefined) return { data: found, text: content.trimEnd() }
  writeFileSync(resolve(session.io.cwd, out), content)
  return { data: { file: out, runs: found.length }, text: `${found.length} runs written to ${out}.` }
}

async function log(session: Session, named: string | undefined, given: Values<typeof logOptions>): Promise<Outcome> {
  const run = named ?? session.io.environment['KEEL_RUN'] ?? ''
  const { step } = given
  const numbers = { ...numbersOf(session.io.cwd, given.file), ...assignments(given.metric) }
  const metrics = Object.entries(numbers).map(([key, value]) => withoutUndefined({ key, value: Number(value), step }))
  const params = Object.fromEntries(
    Object.entries(assignments(given.param)).map(([key, value]) => [key, String(value)]),
  )
  await (await session.client()).runs.logBatch({ run, metrics, params })
  return { data: { run, metrics: metrics.length, params: Object.keys(params).length }, text: '' }
}

function numbersOf(cwd: string, file: string | undefined): Record<string, number> {
  if (file === undefined) return {}
  let values: unknown
  try {
    values = JSON.parse(readFileSync(resolve(cwd, file), 'utf8'))
  } catch (cause) {
    throw new AppError('invalid_file', `The file "${file}" cannot be read as JSON.`, { name: file, cause })
  }
  return Object.fromEntries(Object.entries(values ?? {}).filter(([, value]) => typeof value === 'number')) as Record<
    string,
    number
  >
}

function metricsLine(metrics: Record<string, number | null>): string {
  return Object.entries(metrics)
    .slice(0, 4)
    .map(([key, value]) => `${key} ${number(value)}`)
    .join('  ')
}
