import { type Context, liveValue } from '../../../core/context.ts'
import type { Input, Output } from '../../../core/contract.ts'
import { AppError, invalidInput } from '../../../core/errors.ts'
import type { Row, Value } from '../../../core/onnx/onnx.ts'
import { dateOf, parseIsoTime } from '../../../core/tables/tables.ts'
import * as features from '../../features/features.ts'
import * as registry from '../../registry/registry.ts'
import type { serving } from '../contract.ts'
import { type ClassWatch, looksLikeClass, newClassWatch, requireRouting } from '../routing/routing.ts'
import { isValid, type OutputKind } from '../rules.ts'

type Operations = typeof serving
type Batch = Output<Operations['predictBatch']>

type OpenVersion = {
  runtime: registry.Runtime
  service: string | null
  rows: registry.RowRules
  output: OutputKind | undefined
  classes: ClassWatch
  timer: NodeJS.Timeout
}

/** The next part of a file comes soon; a version that nobody asks for a while is closed. */
const idleMilliseconds = 30_000
const opened = (ctx: Context) => liveValue(ctx, 'serving.batch', () => new Map<string, Promise<OpenVersion>>())

/**
 * Answers for rows of a file, beside the traffic: in threads of its own, not logged, not counted. A row that cannot be read
 * is told and left out; the others are answered. With `times`, features are what was known at each row's moment.
 */
export async function predictBatch(ctx: Context, input: Input<Operations['predictBatch']>): Promise<Batch> {
  const { model, rows, times } = input
  const version = input.version ?? requireRouting(ctx, model).live.version
  const found = await open(ctx, model, version)
  if (times && times.length !== rows.length)
    throw invalidInput(`There are ${rows.length} rows and ${times.length} times.`, { name: 'times' })
  const errors: Batch['errors'] = []
  const requests = readable(rows, errors, (row, index) => {
    if (times && parseIsoTime(times[index] ?? '') === undefined)
      throw invalidInput(`${JSON.stringify(times[index])} is not a time.`, { name: 'times' })
    return registry.readFields(found.rows.request, row)
  })
  const good = [...requests.keys()]
  const moments = times && good.map((index) => times[index] ?? '')
  const looked = await inputsOf(ctx, found.service, [...requests.values()], moments)
  const withViews = new Map(good.map((index, place) => [index, looked[place] ?? {}]))
  const inputs = readable(withViews, errors, (row) => ({ ...row, ...registry.readFields(found.rows.views, row, true) }))
  const answers = await found.runtime.predict([...inputs.values()])
  const outputs: Value[] = rows.map(() => null)
  const marks: Batch['marks'] = []
  for (const [place, row] of [...inputs.keys()].entries()) {
    const answer = answers[place]
    if (isValid(answer, found.output)) {
      outputs[row] = answer
      if (looksLikeClass(found.classes, answer, found.output)) marks.push({ row, marks: ['class_for_probability'] })
    } else {
      const mark = registry.markOfValue(answer, found.output) ?? 'empty'
      errors.push({ row, name: 'output', message: `The model gave no usable answer (${mark}).` })
      marks.push({ row, marks: [mark] })
    }
  }
  errors.sort((a, b) => a.row - b.row)
  return { version, fields: found.rows.request.map(({ name, type }) => ({ name, type })), outputs, errors, marks }
}

type RowEntries<Given> = { entries(): Iterable<[number, Given]> }

/** The rows that can be read, by their place; the others are told in `errors`. */
function readable<Given>(
  rows: RowEntries<Given>,
  errors: Batch['errors'],
  read: (row: Given, index: number) => Row,
): Map<number, Row> {
  const good = new Map<number, Row>()
  for (const [index, row] of rows.entries()) {
    try {
      good.set(index, read(row, index))
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      errors.push({ row: index, name: error.offender ?? '', message: error.message })
    }
  }
  return good
}

async function inputsOf(
  ctx: Context,
  service: string | null,
  requests: Row[],
  moments: string[] | undefined,
): Promise<Row[]> {
  if (service === null || requests.length === 0) return requests
  if (!moments) {
    const at = ctx.now()
    return requests.map((request) => features.lookupOnline(ctx, { service, request, at }).values)
  }
  const rows = requests.map((request, index) => ({ time: dateOf(moments[index] ?? '').toISOString(), request }))
  const found = await features.lookupAsOf(ctx, { service, rows, asOf: 'known' })
  return requests.map((request, index) => ({ ...request, ...found[index] }))
}

async function open(ctx: Context, model: string, version: number): Promise<OpenVersion> {
  const key = `${model}@${version}`
  const known = opened(ctx).get(key)
  if (known) {
    const found = await known
    found.timer.refresh()
    return found
  }
  const opening = load(ctx, model, version)
  opened(ctx).set(key, opening)
  opening.catch(() => opened(ctx).delete(key))
  return opening
}

async function load(ctx: Context, model: string, version: number): Promise<OpenVersion> {
  const row = version === 0 ? undefined : await registry.getVersion(ctx, { model, version })
  const { spec } = await registry.getModel(ctx, { model })
  const runtime = await registry.openRuntime(ctx, { model, version })
  if (runtime.chat) {
    await runtime.close()
    throw new AppError('not_supported', `"${model}" is a language model; files are not answered by it.`, {
      name: model,
      hint: 'Ask it request by request, by POST /v1/chat/completions.',
    })
  }
  const timer = setTimeout(() => void close(ctx, `${model}@${version}`), idleMilliseconds)
  timer.unref()
  return {
    runtime,
    service: row?.service ?? null,
    rows: await registry.rowRules(ctx, row, spec?.serves),
    output: spec?.serves.output,
    classes: newClassWatch(),
    timer,
  }
}

async function close(ctx: Context, key: string): Promise<void> {
  const held = await opened(ctx).get(key)
  opened(ctx).delete(key)
  await held?.runtime.close().catch((error: unknown) => ctx.log.warn({ err: error, key }, 'closing a model failed'))
}

export async function stopBatches(ctx: Context): Promise<void> {
  for (const [key, opening] of opened(ctx)) {
    clearTimeout((await opening).timer)
    await close(ctx, key)
  }
}
