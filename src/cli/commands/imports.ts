import type { Output } from '../../core/contract.ts'
import type { serving } from '../../domains/serving/contract.ts'
import { argument, type Cell, type Command, defineCommand, facts, moment, table } from '../kit/kit.ts'

type Model = Output<(typeof serving)['listImports']>['items'][number]
type Import = Model['imports'][number]

export const command: Command = {
  summary: 'Labels and predictions that come by themselves from sources',
  commands: {
    list: {
      summary: 'What comes by itself for which model, and how far it is',
      async run(session) {
        const { items } = await (await session.client()).serving.listImports({})
        const rows = items.flatMap(({ model, imports }) => imports.map((one) => ({ model, ...one })))
        if (rows.length === 0)
          return {
            data: items,
            text: 'No model names a source of labels or predictions.',
            next: ['keel plan   # after "labels" with "id" or "by", or "predictions", in models/<name>.yaml'],
          }
        return {
          data: items,
          text: table(
            [
              'model',
              'what',
              'source',
              'last looked',
              'taken',
              'behind',
              'without',
              'waiting',
              'ambiguous',
              'bad',
              'problem',
            ],
            rows.map(({ model, what, source, at, all, behind, last, waiting, problem, fetched }) => [
              model,
              what,
              source,
              moment(at),
              all.taken,
              behind,
              last.without,
              waiting,
              last.ambiguous,
              all.bad + (fetched?.bad ?? 0),
              problem ?? fetched?.problem ?? '',
            ]),
          ),
        }
      },
    },
    show: defineCommand({
      summary: 'What comes by itself for a model: when it was looked for last, what fitted and what did not',
      args: { model: argument() },
      async run(session, { args: { model } }) {
        const { items } = await (await session.client()).serving.listImports({ model })
        return shown(items[0] ?? { model, imports: [] })
      },
    }),
    run: defineCommand({
      summary: 'Look for new predictions and labels of a model now',
      args: { model: argument() },
      async run(session, { args: { model } }) {
        return shown(await (await session.client()).serving.runImports({ model }))
      },
    }),
  },
}

function shown(found: Model) {
  const { model, imports } = found
  if (imports.length === 0)
    return {
      data: found,
      text: `The spec of ${model} does not say how labels or predictions of a source find it.`,
      next: [`keel plan   # after "labels" with "id" or "by", or "predictions", in models/${model}.yaml`],
    }
  const failed = imports.some(({ problem }) => problem !== null)
  return { data: found, text: imports.map(toText).join('\n\n'), exitCode: failed ? 1 : 0 }
}

function toText({
  what,
  source,
  how,
  at,
  behind,
  last,
  all,
  waiting,
  nextAt,
  badRows,
  problem,
  fetched,
}: Import): string {
  const labels = what === 'labels'
  const lines: [string, Cell][] = [
    [what, `${source}: ${how}`],
    ['last looked', at === null ? 'not yet' : moment(at)],
    ['problem', problem ?? fetched?.problem ?? null],
    ['new rows', last.rows],
    [labels ? 'labels stored' : 'recorded', `${last.taken} (${all.taken} in all)`],
    ['there already', last.known],
    ['corrected', labels ? last.corrected : null],
    ['without a prediction', labels ? last.without : null],
    ['ambiguous', labels ? last.ambiguous : null],
    [
      'waiting',
      labels ? `${waiting}${nextAt === null ? '' : `, the next of them counts from ${moment(nextAt)}`}` : null,
    ],
    ['bad rows', all.bad],
    ['bad in the source', fetched?.bad ? `${fetched.bad}: keel data show ${source}` : null],
    ['rows to come', behind === 0 ? null : behind],
  ]
  const head = facts(lines.filter(([, value]) => value !== null))
  if (badRows.length === 0) return head
  return `${head}\n\n${table(
    [`row of ${source}`, 'what is wrong'],
    badRows.slice(0, 20).map(({ row, what }) => [row, what]),
  )}`
}
