import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { AppError } from '../../core/errors.ts'
import type { Command } from '../command.ts'
import { assignments, list, optionalNumber, string } from '../input.ts'
import { facts, moment, number, table } from '../output.ts'

export const command: Command = {
  summary: 'Tracked runs: params, metrics, tags',
  commands: {
    list: {
      summary: 'Runs, newest first',
      options: [{ flags: '--experiment <name>', help: 'only of this experiment' }],
      async run(session, { options }) {
        const experiment = string(options['experiment'])
        const { items } = await (await session.client()).runs.search(experiment === undefined ? {} : { experiment })
        return {
          data: items,
          text: table(
            ['run', 'name', 'status', 'started', 'metrics'],
            items.map((run) => [run.id, run.name, run.status, moment(run.startedAt), metricsLine(run.metrics)]),
          ),
        }
      },
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
            ['experiment', found.experiment],
            ['status', found.status],
            ['started', moment(found.startedAt)],
            ...Object.entries(found.params).map(([key, value]): [string, string] => [`param ${key}`, value]),
            ...Object.entries(found.metrics).map(([key, value]): [string, string] => [
              `metric ${key}`,
              number(value, 4),
            ]),
          ]),
        }
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
      async run(session, { args: [named], options }) {
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
      },
    },
  },
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
