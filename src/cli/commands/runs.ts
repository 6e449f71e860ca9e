import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Input } from '../../core/contract.ts'
import { AppError, invalidInput } from '../../core/errors.ts'
import type { runs } from '../../domains/runs/contract.ts'
import { runConditions, runOrder } from '../../protocols/mlflow/run-search.ts'
import {
  assignments,
  type Command,
  type CommandInput,
  facts,
  list,
  listing,
  listOptions,
  moment,
  number,
  type Outcome,
  optionalNumber,
  type Session,
  string,
  table,
} from '../kit/kit.ts'
import { compareRuns, comparisonTable, type Run, runsCsv } from '../tracking/run-comparison.ts'

const searchOptions = [
  { flags: '--experiment <name...>', help: 'only of these experiments' },
  { flags: '--filter <terms>', help: 'such as "metrics.auc > 0.8 AND params.model = \'tree\'"' },
  { flags: '--order <field>', help: 'such as "metrics.auc DESC" (default: newest first)' },
  { flags: '--deleted', help: 'those that were deleted' },
]

export const command: Command = {
  summary: 'Tracked runs: params, metrics, tags',
  commands: {
    list: {
      summary: 'Runs, newest first, or those that a search finds',
      options: [...searchOptions, ...listOptions],
      examples: ['keel runs list --experiment flights --filter "metrics.auc > 0.7" --order "metrics.auc DESC"'],
      run: search,
    },
    search: {
      summary: 'Runs for which all terms hold',
      arguments: '<filter>',
      options: [...searchOptions.filter(({ flags }) => !flags.startsWith('--filter')), ...listOptions],
      examples: [`keel runs search "metrics.auc > 0.7 AND params.model = 'tree'" --order "metrics.auc DESC"`],
      run: (session, { args: [filter = ''], options }) =>
        search(session, { args: [], options: { ...options, filter } }),
    },
    show: {
      summary: 'One run',
      arguments: '<run>',
      async run(session, { args: [run = ''] }) {
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
    },
    compare: {
      summary: 'Runs side by side: what is not the same',
      arguments: '<runs...>',
      options: [{ flags: '--all', help: 'also what is the same' }],
      async run(session, { args, options }) {
        const found = await runsOf(session, args)
        const differences = compareRuns(found, options['all'] === true)
        return {
          data: { runs: found.map(({ id, name }) => ({ id, name })), differences },
          text: comparisonTable(found, differences),
        }
      },
    },
    diff: {
      summary: 'What changed from one run to another',
      arguments: '<from> <to>',
      run: diff,
    },
    history: {
      summary: 'Every value of one metric of a run',
      arguments: '<run> <metric>',
      options: listOptions,
      async run(session, input) {
        const [run = '', key = ''] = input.args
        const client = await session.client()
        return listing(input, {
          fetch: (paging) => client.runs.metricHistory({ run, key, ...paging }),
          headers: ['step', 'value', 'at'],
          row: (point) => [point.step, number(point.value, 6), moment(point.at)],
        })
      },
    },
    export: {
      summary: 'Runs as CSV or JSON, to a file or to stdout',
      options: [
        ...searchOptions,
        { flags: '--format <csv|json>', help: 'csv (default) or json' },
        { flags: '--out <file>', help: 'where to write' },
      ],
      examples: ['keel runs export --experiment flights --out runs.csv'],
      run: exportRuns,
    },
    delete: {
      summary: 'Delete runs; they can be restored',
      arguments: '<runs...>',
      async run(session, { args }) {
        const client = await session.client()
        for (const run of args) await client.runs.deleteRun({ run })
        return {
          data: { deleted: args },
          text: `${args.length} deleted.`,
          next: [`keel runs restore ${args.join(' ')}`],
        }
      },
    },
    restore: {
      summary: 'Take back that runs were deleted',
      arguments: '<runs...>',
      async run(session, { args }) {
        const client = await session.client()
        for (const run of args) await client.runs.restoreRun({ run })
        return { data: { restored: args }, text: `${args.length} restored.` }
      },
    },
    log: {
      summary: 'Log metrics and params to a run; in a pipeline step the run is known',
      arguments: '[run]',
      options: [
        { flags: '--metric <name=value...>', help: 'metrics' },
        { flags: '--param <name=value...>', help: 'params' },
        { flags: '--file <metrics.json>', help: 'metrics: the numbers of a JSON object' },
        { flags: '--step <number>', help: 'step of the metrics' },
      ],
      run: log,
    },
  },
}

function query({ options }: CommandInput): Input<(typeof runs)['find']> {
  const experiments = list(options['experiment'])
  const order = string(options['order'])
  const { conditions, sorts } = understood(string(options['filter']), order)
  return {
    ...(experiments.length === 0 ? {} : { experiments }),
    view: options['deleted'] === true ? 'deleted' : 'active',
    conditions,
    order: sorts,
  }
}

/** The language is the one that MLflow's clients search with. */
function understood(filter: string | undefined, order: string | undefined) {
  try {
    return { conditions: runConditions(filter), sorts: order === undefined ? [] : runOrder([order]) }
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause
    throw invalidInput(cause.message, {
      name: filter ?? order,
      hint: `Terms are joined by AND, such as "metrics.auc > 0.8 AND params.model = 'tree'".`,
      cause,
    })
  }
}

async function search(session: Session, input: CommandInput): Promise<Outcome> {
  const wanted = query(input)
  const client = await session.client()
  return listing(input, {
    fetch: (paging) => client.runs.find({ ...wanted, ...paging }),
    headers: ['run', 'name', 'experiment', 'status', 'started', 'metrics'],
    row: (run) => [run.id, run.name, run.experiment, run.status, moment(run.startedAt), metricsLine(run.metrics)],
  })
}

async function runsOf(session: Session, ids: string[]): Promise<Run[]> {
  const client = await session.client()
  const found: Run[] = []
  for (const run of ids) found.push(await client.runs.get({ run }))
  return found
}

async function diff(session: Session, { args }: CommandInput): Promise<Outcome> {
  const found = await runsOf(session, args)
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

async function exportRuns(session: Session, input: CommandInput): Promise<Outcome> {
  const format = string(input.options['format']) ?? 'csv'
  if (format !== 'csv' && format !== 'json')
    throw new AppError('usage', `"${format}" is not a format.`, { name: format, hint: 'Use csv or json.' })
  const client = await session.client()
  const wanted = query(input)
  const found: Run[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await client.runs.find({ ...wanted, limit: 1000, ...(cursor === undefined ? {} : { cursor }) })
    found.push(...page.items)
    cursor = page.next
    if (cursor === undefined) break
  }
  const content = format === 'csv' ? runsCsv(found) : `${JSON.stringify(found, null, 2)}\n`
  const out = string(input.options['out'])
  if (out === undefined) return { data: found, text: content.trimEnd() }
  writeFileSync(resolve(session.io.cwd, out), content)
  return { data: { file: out, runs: found.length }, text: `${found.length} runs written to ${out}.` }
}

async function log(session: Session, { args: [named], options }: CommandInput): Promise<Outcome> {
  const run = named ?? session.io.environment['KEEL_RUN'] ?? ''
  const step = optionalNumber(options['step'], '--step')
  const given = { ...numbersOf(session.io.cwd, string(options['file'])), ...assignments(list(options['metric'])) }
  const metrics = Object.entries(given).map(([key, value]) => ({
    key,
    value: Number(value),
    ...(step === undefined ? {} : { step }),
  }))
  const params = Object.fromEntries(
    Object.entries(assignments(list(options['param']))).map(([key, value]) => [key, String(value)]),
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
