import { createWriteStream } from 'node:fs'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { assignments, type Command, facts, number, optionalNumber, percent, string, table, time } from '../kit/kit.ts'

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
    get: {
      summary: 'The values of a service as of now',
      arguments: '<service> <fields...>',
      examples: [
        'keel features get flight_delay_v2 origin=ORD destination=LGA distance=733 hour=17 weekday=4 route=ORD-LGA',
      ],
      async run(session, { args: [service = '', ...pairs] }) {
        const { rows } = await (await session.client()).features.getOnline({ service, rows: [assignments(pairs)] })
        const entries = Object.entries(rows[0]?.values ?? {}).map(([name, value]) => [
          name,
          value,
          rows[0]?.status[name] ?? 'PRESENT',
        ])
        return { data: rows[0], text: table(['feature', 'value', 'status'], entries) }
      },
    },
    'training-set': {
      summary: 'Join a service to the rows of a source, as of each row’s time, and write it to a file',
      options: [
        { flags: '--service <service>', help: 'feature service', required: true },
        { flags: '--source <source>', help: 'source whose rows are the examples', required: true },
        { flags: '--from <time>', help: 'first event time', required: true },
        { flags: '--to <time>', help: 'end of event time, exclusive', required: true },
        { flags: '--label <column>', help: 'column with the label' },
        { flags: '--as-of <rule>', help: 'known (what serving sees; default) or event (leaks late rows)' },
        { flags: '--out <file>', help: 'where to write the rows (.csv or .parquet)' },
        { flags: '--id-file <file>', help: 'where to write the id of the training set' },
      ],
      async run(session, { options }) {
        const client = await session.client()
        const label = string(options['label'])
        const set = await client.features.createTrainingSet({
          service: string(options['service']) ?? '',
          source: string(options['source']) ?? '',
          from: time(string(options['from']) ?? ''),
          to: time(string(options['to']) ?? ''),
          ...(label === undefined ? {} : { label }),
          asOf: options['asOf'] === 'event' ? 'event' : 'known',
        })
        const out = string(options['out'])
        if (out !== undefined) {
          const response = await client.features.downloadTrainingSet({
            trainingSet: set.id,
            format: out.endsWith('.parquet') ? 'parquet' : 'csv',
          })
          await save(response, resolve(session.io.cwd, out))
        }
        const idFile = string(options['idFile'])
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
    },
    parity: {
      summary: 'Would serving see the values that training saw?',
      arguments: '<training-set>',
      options: [{ flags: '--tolerance <difference>', help: 'difference of one value that counts' }],
      async run(session, { args: [trainingSet = ''], options }) {
        const tolerance = optionalNumber(options['tolerance'], '--tolerance')
        const report = await (await session.client()).features.parity({
          trainingSet,
          ...(tolerance === undefined ? {} : { tolerance }),
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
    },
  },
}

async function save(response: Response, path: string): Promise<void> {
  if (!response.body) throw new Error('The server answered without a body')
  await pipeline(Readable.fromWeb(response.body), createWriteStream(path))
}
