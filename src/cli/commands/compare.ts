import { resolve } from 'node:path'
import { compareRecords, type RecordComparison } from '../../domains/evaluation/evaluation.ts'
import { dialect, dialectOptions } from '../files/dialect.ts'
import { allRows, openRows } from '../files/rows.ts'
import {
  amount,
  argument,
  defineCommand,
  estimate,
  exitCodeOf,
  flag,
  number,
  required,
  type Session,
  table,
  text,
  texts,
  type Values,
} from '../kit/kit.ts'

const options = {
  margin: required(amount('the most that the candidate may be worse, in units of the metric')),
  metric: text('by which the answers are compared with the labels; see "keel eval metrics"', 'name'),
  label: text('the column of the labels (label)', 'column'),
  answer: text('the column of the answers (answer, prediction, output, score or probability)', 'column'),
  positive: text('the class that counts as 1, of two', 'class'),
  score: text('compare this column of scores instead, without labels', 'column'),
  lowerIsBetter: flag('of the scores, such as costs'),
  id: text('the column that names the items in both files (id, where both have it; else the order)', 'column'),
  onlyShared: flag('leave out items that only one file has'),
  slice: texts('compare each value of this column on its own, too', 'column'),
  cluster: text('items with the same value here belong to one user or document, and count as one', 'column'),
  list: text('the ranked list that an item belongs to', 'column'),
  ...dialectOptions,
}
type Options = Values<typeof options>

export const command = defineCommand({
  summary: 'Is the candidate worse? Recorded answers in two files, no server and no project; exit codes as keel gate',
  args: { baseline: argument('baseline.jsonl'), candidate: argument('candidate.jsonl') },
  options,
  examples: [
    'keel compare base.jsonl candidate.jsonl --label y --metric auc --margin 0.01',
    'keel compare old.csv new.csv --score helpfulness --margin 0.1 --slice language',
  ],
  async run(session, { args, options }) {
    const { slice, encoding, separator, decimal, timeFormat, ...columns } = options
    const open = (path: string) => recordsOf(session, path, options)
    const [baseline, candidate] = [await open(args.baseline), await open(args.candidate)]
    const empty = [baseline, candidate].find(({ rows }) => rows.length === 0)
    if (empty) {
      const reason = `"${empty.shown}" has no rows, so nothing can be compared.`
      return { data: { verdict: 'cannot_tell', reason, n: 0 }, text: `CANNOT TELL  ${reason}`, exitCode: 4 }
    }
    const found = compareRecords({ baseline, candidate, slices: slice, ...columns })
    return { data: found, text: describe(found, args), exitCode: exitCodeOf[found.verdict] }
  },
})

/** Ids are texts as they are written; every other column is read as it is guessed or typed. */
async function recordsOf(session: Session, path: string, options: Options) {
  const types = new Map([[options.id ?? 'id', 'string' as const]])
  const table = await openRows(resolve(session.io.cwd, path), { ...dialect(options), shown: path, types }, session.say)
  return { shown: path, columns: table.columns, rows: await allRows(table) }
}

function describe(found: RecordComparison, { baseline, candidate }: { baseline: string; candidate: string }): string {
  const { primary, metrics, slices, n, pairedBy, leftOut, notes } = found
  const rows = metrics.map((row) => [
    row.metric,
    estimate({ ...row.baseline, n }),
    estimate({ ...row.candidate, n }),
    row.undefined ?? '',
  ])
  const sliceRows = slices.map((row) => [
    `${row.slice}=${row.value}`,
    row.n,
    number(row.baseline),
    number(row.candidate),
    estimate(row.difference),
    row.verdict.replaceAll('_', ' '),
  ])
  const paired = `${n} items, paired ${pairedBy === null ? 'in their order' : `by "${pairedBy}"`}${leftOut > 0 ? `; ${leftOut} of one file only were left out` : ''}. ${primary.method === 'none' ? '' : `Method: ${primary.method}.`}`
  return [
    `${found.verdict.replaceAll('_', ' ').toUpperCase()}  ${primary.reason}`,
    paired.trim(),
    table(['metric', baseline, candidate, ''], rows),
    ...(slices.length === 0 ? [] : [table(['slice', 'n', baseline, candidate, 'difference', 'verdict'], sliceRows)]),
    ...(found.needed === null ? [] : [found.needed]),
    ...notes.map((note) => `! ${note}`),
  ].join('\n\n')
}
