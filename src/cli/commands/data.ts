import type { Output } from '../../core/contract.ts'
import { AppError } from '../../core/errors.ts'
import type { datasets } from '../../domains/datasets/contract.ts'
import { dialectOptions } from '../files/dialect.ts'
import { argument, type Command, defineCommand, facts, flag, moment, required, table, text, time } from '../kit/kit.ts'
import { pushRows } from '../transfer/push-rows.ts'

type Fetched = Output<(typeof datasets)['fetch']>

export const command: Command = {
  summary: 'Sources of data and their snapshots',
  commands: {
    list: {
      summary: 'Sources, with how much they hold',
      async run(session) {
        const { items } = await (await session.client()).datasets.listSources({})
        return {
          data: items,
          text: table(
            ['source', 'rows', 'from', 'to', 'vetted', 'owner'],
            items.map((source) => [
              source.name,
              source.rows,
              moment(source.firstTime),
              moment(source.lastTime),
              source.vetted ? 'yes' : 'NO',
              source.definition.owner,
            ]),
          ),
        }
      },
    },
    push: defineCommand({
      summary: 'Add rows of a .csv, .jsonl or .parquet file to a source',
      args: { source: argument(), file: argument() },
      options: {
        from: time('only rows known from this time on'),
        until: time('only rows known before this time'),
        again: flag('add the rows although this file is in the source already'),
        ...dialectOptions,
      },
      examples: [
        'keel data push flights data/flights.jsonl --until 2001-03-01',
        'keel data push meter readings.csv --separator ";" --decimal , --time-format "%d/%m/%Y %H:%M"',
      ],
      async run(session, { args: { source, file }, options }) {
        const { appended, stored } = await pushRows(session, { source, file, ...options })
        const again = 'Add "--again" to add its rows once more.'
        const before =
          stored === 0
            ? ''
            : appended === 0
              ? ` The ${stored} rows of ${file} are in it already. ${again}`
              : ` ${stored} were there from a push of ${file} that was stopped.`
        return {
          data: { source, appended, stored },
          text: `${appended} rows added to ${source}.${before}`,
          next: [`keel data show ${source}`],
        }
      },
    }),
    fetch: defineCommand({
      summary: 'Look for new rows now, where the source fetches them from',
      args: { source: argument() },
      async run(session, { args: { source } }) {
        const done = await (await session.client()).datasets.fetch({ source })
        return {
          data: done,
          text: [`${done.rows} rows added to ${source}.`, ...fetchLines(done)].join('\n'),
          next: [`keel data show ${source}`],
          exitCode: done.problem === null ? 0 : 1,
        }
      },
    }),
    show: defineCommand({
      summary: 'One source with a fresh profile',
      args: { source: argument() },
      async run(session, { args: { source } }) {
        const client = await session.client()
        const found = await client.datasets.getSource({ source })
        const fetched = found.fetch ? fetchLines(found.fetch) : []
        if (found.rows === 0)
          return {
            data: found,
            text: [`${source} holds no rows yet.`, ...fetched].join('\n'),
            next: [found.definition.from ? `keel data fetch ${source}` : `keel data push ${source} <file>`],
          }
        if (found.unreadable !== undefined)
          return {
            data: { source: found },
            text: `${source} holds ${found.rows} rows, but it cannot be read: ${found.unreadable}.`,
            next: [`keel data check ${source}`],
            exitCode: 1,
          }
        const snapshot = await client.datasets.snapshot({ source })
        const head = facts([
          ['source', found.name],
          ['owner', found.definition.owner],
          ['licence', found.definition.licence],
          ['attribution', found.definition.attribution],
          [
            'vetted',
            found.vetted ? `yes, by ${found.definition.vetted?.by}` : 'NO: what touches it cannot be released',
          ],
          ['rows', found.rows],
          ['digest', snapshot.digest],
          ...fetchedFacts(found.fetch),
          [
            'unfinished',
            found.unfinished &&
              `a file of ${found.unfinished.of} parts was pushed up to part ${found.unfinished.parts}, ${moment(found.unfinished.at)}; push it again for the rest`,
          ],
        ])
        const profile = table(
          ['column', 'type', 'nulls', 'distinct', 'min', 'mean', 'max'],
          snapshot.profile.map((column) => [
            column.column,
            column.type,
            column.nulls,
            column.distinct,
            column.min,
            column.mean,
            column.max,
          ]),
        )
        return { data: { source: found, snapshot }, text: [head, '', profile, ...fetched].join('\n') }
      },
    }),
    check: defineCommand({
      summary: 'Rows of a source that this version would not have taken',
      args: { source: argument() },
      async run(session, { args: { source } }) {
        const report = await (await session.client()).datasets.checkStoredRows({ source })
        if (report.count === 0)
          return { data: report, text: `All ${report.rows} rows of ${source} are as they should be.` }
        const more = report.count - report.bad.length
        const numbers = [...new Set(report.bad.map(({ seq }) => seq))].join(',')
        return {
          data: report,
          text: [
            table(
              ['row', 'column', 'value', 'what is wrong'],
              report.bad.map(({ seq, column, value, rule }) => [seq, column, value, rule]),
            ),
            ...(more > 0 ? [`and ${more} more; remove these first.`] : []),
          ].join('\n'),
          next: [`keel data remove ${source} --rows ${numbers} --reason <why>`],
          exitCode: 1,
        }
      },
    }),
    remove: defineCommand({
      summary: 'Take rows out of a source for good, by number',
      args: { source: argument() },
      options: {
        rows: required(text('numbers of rows, as "keel data check" shows them', 'numbers')),
        reason: required(text('why; kept in the event')),
      },
      examples: ['keel data remove trips --rows 3,7 --reason "written by a broken sender"'],
      async run(session, { args: { source }, options: { rows, reason } }) {
        const numbers = rows.split(',').map((part) => part.trim())
        const wrong = numbers.find((part) => !/^[1-9]\d{0,14}$/.test(part))
        if (wrong !== undefined)
          throw new AppError('usage', `"${wrong}" is not the number of a row.`, {
            name: wrong,
            hint: 'As in --rows 3,7.',
          })
        const client = await session.client()
        const done = await client.datasets.removeRows({ source, rows: numbers.map(Number), reason })
        const columns = done.columns.length === 0 ? '' : ` Columns that went with them: ${done.columns.join(', ')}.`
        return {
          data: done,
          text: `${done.removed} rows removed from ${source}.${columns}`,
          next: [`keel data show ${source}`],
        }
      },
    }),
  },
}

function fetchedFacts(fetched: Fetched | undefined): [string, string][] {
  return fetched === undefined ? [] : [['fetched', `${fetched.rows} rows, ${moment(fetched.at)}`]]
}

/** What the last look at the place of a source could not take. */
function fetchLines({ bad, badRows, problem }: Fetched): string[] {
  const rows = badRows.map(({ file, row, what }) => [file, row, what])
  return [
    ...(problem === null ? [] : [`Not all of it was read: ${problem}.`]),
    ...(bad === 0 ? [] : [`${bad} rows could not be taken:`, table(['file', 'row', 'what is wrong'], rows)]),
  ]
}
