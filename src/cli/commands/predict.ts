import { resolve } from 'node:path'
import { AppError, invalidInput } from '../../core/errors.ts'
import type { ColumnType } from '../../core/tables/tables.ts'
import { dialect, dialectOptions } from '../files/dialect.ts'
import { openPredictionFile } from '../files/prediction-file.ts'
import type { Part } from '../files/prediction-output.ts'
import {
  argument,
  assignments,
  createProgress,
  defineCommand,
  flag,
  type Outcome,
  type Session,
  text,
  texts,
  type Values,
} from '../kit/kit.ts'

const options = {
  unit: text('user or session, keeps its arm while a rollout grows', 'unit'),
  id: text('your identifier; labels refer to it', 'id'),
  input: text('rows of a .parquet, .csv or .jsonl file; the same command goes on after an interruption', 'file'),
  output: text('where they go with their predictions', 'file'),
  time: text('with --input: features as they were known at the moment in this column', 'column'),
  skipInvalid: flag('with --input: rows that cannot be answered get the reason in a column "_error"'),
  force: flag('with --input: overwrite the output, begin anew'),
  ...dialectOptions,
}
type Options = Values<typeof options>

export const command = defineCommand({
  summary: 'Ask an endpoint, about one request or about a whole file',
  args: { target: argument('endpoint'), fields: texts('', 'fields') },
  options,
  examples: [
    'keel predict flight-delay origin=ORD destination=LGA distance=733 hour=17 weekday=4 route=ORD-LGA',
    'keel predict flight-delay@2 --input flights.parquet --output scored.parquet --time departs',
  ],
  run: (session, { args: { target, fields }, options }) =>
    options.input === undefined
      ? one(session, target, fields, options)
      : file(session, target, { ...options, input: options.input }),
})

async function one(session: Session, endpoint: string, pairs: string[], { unit, id }: Options): Promise<Outcome> {
  const client = await session.client()
  const { inputs } = await client.serving.getEndpoint({ endpoint })
  const texts = inputs.filter(({ type }) => type === 'string').map(({ name }) => name)
  const answer = await client.serving.predict({
    endpoint,
    inputs: assignments(pairs, texts),
    unit,
    id,
  })
  return {
    data: answer,
    text: [answer.output, `${answer.release} (v${answer.version})`, answer.id, ...answer.marks].join('\t'),
    next: [`keel replay ${answer.id}`],
  }
}

const rowsAtOnce = 5_000
const shownErrors = 10

async function file(session: Session, target: string, options: Options & { input: string }): Promise<Outcome> {
  const [, model = '', given] = /^([^@]+)(?:@v?([0-9]+))?$/.exec(target) ?? []
  if (model === '') throw invalidInput(`"${target}" is not an endpoint or a version.`, { name: target })
  if (options.output === undefined)
    throw invalidInput('--output is missing.', {
      name: '--output',
      hint: 'keel predict <endpoint> --input <file> --output <file>',
    })
  const [input, output] = [resolve(session.io.cwd, options.input), resolve(session.io.cwd, options.output)]
  const { force, time = null, skipInvalid: skip } = options
  const client = await session.client()
  const { version, fields } = await client.serving.predictBatch({
    model,
    rows: [],
    version: given === undefined ? undefined : Number(given),
  })
  const types = new Map<string, ColumnType>(fields.map(({ name, type }) => [name, type]))
  if (time !== null) types.set(time, 'time')
  const wish = { input, target: model, version, time, skip, force, dialect: dialect(options), types }
  const predictions = await openPredictionFile(output, { ...wish, shown: options.input, say: session.say })
  const progress = createProgress(session.io, `${model} v${version}`)
  try {
    checkColumns(predictions.columns, [...fields.map(({ name }) => name), ...(time === null ? [] : [time])])
    if (predictions.done > 0 && predictions.done < predictions.total)
      session.io.stderr.write(`  Going on after row ${predictions.done}.\n`)
    let from = predictions.done
    for await (const rows of predictions.read(rowsAtOnce)) {
      const needed = rows.map((row) => Object.fromEntries(fields.map(({ name }) => [name, row[name]])))
      const times = time === null ? {} : { times: rows.map((row) => String(row[time] ?? '')) }
      const { outputs, errors, marks } = await client.serving.predictBatch({ model, version, rows: needed, ...times })
      if (errors.length > 0 && !skip) throw refused(errors, from)
      const messages = new Map(errors.map(({ row, message }) => [row, message]))
      const marksOf = new Map(marks.map(({ row, marks }) => [row, marks.join(' ')]))
      const parts = outputs.map(
        (prediction, index): Part => ({
          row: from + index + 1,
          prediction,
          error: messages.get(index) ?? null,
          marks: marksOf.get(index) ?? null,
        }),
      )
      predictions.write(from, parts)
      from += rows.length
      progress.update(from, predictions.total)
    }
    await predictions.finish()
  } finally {
    progress.end()
    predictions.close()
  }
  return {
    data: { output, rows: predictions.total, model, version },
    text: `${predictions.total} rows, answered by v${version}, in ${output}`,
  }
}

function checkColumns(columns: string[], needed: string[]): void {
  const missing = needed.filter((name) => !columns.includes(name))
  const [first] = missing
  if (first === undefined) return
  throw invalidInput(`The file has no column ${missing.map((name) => `"${name}"`).join(', ')}.`, {
    name: first,
    hint: `It has ${columns.slice(0, 20).join(', ')}.`,
  })
}

function refused(errors: { row: number; message: string }[], from: number): AppError {
  const reasons = errors.slice(0, shownErrors).map(({ row, message }) => `row ${from + row + 1}: ${message}`)
  const more = errors.length > reasons.length ? [`… and ${errors.length - reasons.length} more`] : []
  return new AppError('invalid_file', ['These rows cannot be answered.', ...reasons, ...more].join('\n  '), {
    hint: 'Fix them, or leave them out with --skip-invalid.',
  })
}
