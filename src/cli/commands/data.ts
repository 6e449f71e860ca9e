import { resolve } from 'node:path'
import { type Row, readRows } from '../files/rows.ts'
import { argument, type Command, defineCommand, facts, moment, table, time } from '../kit/kit.ts'

const batch = 5_000

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
      summary: 'Add rows of a .csv or .jsonl file to a source',
      args: { source: argument(), file: argument() },
      options: {
        from: time('only rows known from this time on'),
        until: time('only rows known before this time'),
      },
      examples: ['keel data push flights data/flights.jsonl --until 2001-03-01'],
      async run(session, { args: { source, file }, options: { from, until } }) {
        const client = await session.client()
        const { definition } = await client.datasets.getSource({ source })
        const column = definition.known_at ?? definition.time
        const rows = within(readRows(resolve(session.io.cwd, file), file), column, from, until)
        const progress = session.progress(`Pushing ${source}`)
        let appended = 0
        try {
          for (let at = 0; at < rows.length; at += batch) {
            const result = await client.datasets.append({ source, rows: rows.slice(at, at + batch) })
            appended += result.appended
            progress.update(appended, rows.length)
          }
        } finally {
          progress.end()
        }
        return {
          data: { source, appended },
          text: `${appended} rows added to ${source}.`,
          next: [`keel data show ${source}`],
        }
      },
    }),
    show: defineCommand({
      summary: 'One source with a fresh profile',
      args: { source: argument() },
      async run(session, { args: { source } }) {
        const client = await session.client()
        const found = await client.datasets.getSource({ source })
        if (found.rows === 0)
          return { data: found, text: `${source} holds no rows yet.`, next: [`keel data push ${source} <file>`] }
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
        return { data: { source: found, snapshot }, text: `${head}\n\n${profile}` }
      },
    }),
  },
}

function within(rows: Row[], column: string | undefined, from: string | undefined, until: string | undefined): Row[] {
  if (column === undefined || (from === undefined && until === undefined)) return rows
  return rows.filter((row) => {
    const at = new Date(String(row[column]).replace(/(T\d\d:\d\d)$/, '$1:00Z')).toISOString()
    return (from === undefined || at >= from) && (until === undefined || at < until)
  })
}
