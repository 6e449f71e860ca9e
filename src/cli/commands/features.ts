import { createWriteStream } from 'node:fs'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { AsOf } from '../../domains/features/contract.ts'
import {
  amount,
  argument,
  assignments,
  type Command,
  defineCommand,
  facts,
  number,
  oneOf,
  percent,
  required,
  table,
  text,
  texts,
  time,
  withDefault,
} from '../kit/kit.ts'

export const command: Command = {
  summary: 'Views, services, online values, training sets',
  commands: {
    list: {
      summary: 'Feature views and services',
      async run(session) {
        const client = await session.client()
        const [views, services] = [await client.features.listViews({}), await client.features.listServices({})]
        const names = (view: (typeof views.items)[number]) => [
          ...(view.features ?? []),
          ...(view.aggregates ?? []).map(({ feature }) => feature),
        ]
        return {
          data: { views: views.items, services: services.items },
          text: [
            table(
              ['view', 'entity', 'source', 'features'],
              views.items.map((view) => [view.name, view.entity, view.source, names(view).join(', ')]),
            ),
            table(
              ['service', 'request', 'features'],
              services.items.map((service) => [
                service.name,
                (service.request ?? []).map(({ name }) => name).join(', '),
                (service.features ?? []).join(', '),
              ]),
            ),
          ].join('\n\n'),
        }
      },
    },
    get: defineCommand({
      summary: 'The values of a service as of now',
      args: { service: argument(), pairs: required(texts('', 'fields')) },
      examples: [
        'keel features get flight_delay_v2 origin=ORD destination=LGA distance=733 hour=17 weekday=4 route=ORD-LGA',
      ],
      async run(session, { args: { service, pairs } }) {
        const { rows } = await (await session.client()).features.getOnline({ service, rows: [assignments(pairs)] })
        const entries = Object.entries(rows[0]?.values ?? {}).map(([name, value]) => [
          name,
          value,
          rows[0]?.status[name] ?? 'PRESENT',
        ])
        return { data: rows[0], text: table(['feature', 'value', 'status'], entries) }
      },
    }),
    'training-set': defineCommand({
      summary: 'Join a service to the rows of a source, as of each row’s time, and write it to a file',
      options: {
        service: required(text('feature service', 'service')),
        source: required(text('source whose rows are the examples', 'source')),
        from: required(time('first event time')),
        to: required(time('end of event time, exclusive')),
        label: text('column with the label', 'column'),
        asOf: withDefault(
          oneOf(
            AsOf,
            'what an example may see: what serving knew then, or also rows that came late, which leaks',
            'rule',
          ),
          'known',
        ),
        out: text('where to write the rows (.csv or .parquet)', 'file'),
        idFile: text('where to write the id of the training set', 'file'),
      },
      async run(session, { options: { label, service, source, from, to, asOf, out, idFile } }) {
        const client = await session.client()
        const set = await client.features.createTrainingSet({
          service,
          source,
          from,
          to,
          label,
          asOf,
        })
        if (out !== undefined) {
          const response = await client.features.downloadTrainingSet({
            trainingSet: set.id,
            format: out.endsWith('.parquet') ? 'parquet' : 'csv',
          })
          await save(response, resolve(session.io.cwd, out))
        }
        if (idFile !== undefined)
          await pipeline(Readable.from([set.id]), createWriteStream(resolve(session.io.cwd, idFile)))
        return {
          data: set,
          text: facts([
            ['training set', set.id],
            ['rows', set.rows],
            ['as of', set.asOf],
            ['columns', set.columns.join(', ')],
            ['digest', set.digest],
            ['read', set.sources.map(({ source, uptoSeq }) => `${source} up to row ${uptoSeq}`).join(', ')],
          ]),
          next: [`keel features parity ${set.id}`],
        }
      },
    }),
    parity: defineCommand({
      summary: 'Would serving see the values that training saw?',
      args: { trainingSet: argument() },
      options: { tolerance: amount('difference of one value that counts', 'difference') },
      async run(session, { args: { trainingSet }, options: { tolerance } }) {
        const report = await (await session.client()).features.parity({
          trainingSet,
          tolerance,
        })
        return {
          data: report,
          text: table(
            ['feature', 'rows', 'differing', 'share', 'mean difference'],
            report.features.map((row) => [
              row.feature,
              row.rows,
              row.differing,
              percent(row.share),
              number(row.meanDifference),
            ]),
          ),
        }
      },
    }),
  },
}

async function save(response: Response, path: string): Promise<void> {
  if (!response.body) throw new Error('The server answered without a body')
  await pipeline(Readable.fromWeb(response.body), createWriteStream(path))
}
