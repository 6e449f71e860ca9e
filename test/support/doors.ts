import type { App } from '../../src/app.ts'
import type { Client } from '../../src/client/client.ts'
import type { Api } from '../../src/contract.ts'
import { transaction } from '../../src/core/transaction.ts'
import * as artifacts from '../../src/domains/artifacts/artifacts.ts'
import * as evaluation from '../../src/domains/evaluation/evaluation.ts'
import * as registry from '../../src/domains/registry/registry.ts'
import type { Signature } from '../../src/domains/registry/signature.ts'
import type { ModelSpec } from '../../src/domains/registry/spec/model-spec.ts'
import * as serving from '../../src/domains/serving/serving.ts'
import { spec } from './trips.ts'

export type RunningModel = { app: App; url: string; client: Client<Api> }
type Row = Record<string, unknown>
type Answer = number | string | null
type Exported = { name: string; bytes: Uint8Array; signature: Signature; serves: Partial<ModelSpec['serves']> }

/** A model file as a version of its own, by its signature, and what it was told at registration. */
export async function registerExport({ app }: RunningModel, { name, bytes, signature, serves }: Exported) {
  const { labels: _labels, ...rest } = spec
  const { output = 'binary' } = serves
  const metric = { binary: 'log_loss', regression: 'mae', multiclass: 'accuracy', ranking: 'ndcg', text: 'exact' }[
    output
  ]
  await registry.applySpec(app.ctx, {
    ...rest,
    model: name,
    serves: { ...serves, output },
    golden: `${name}-golden`,
    success: { quality: { metric, against: 'baseline', margin: 0.05 } },
  })
  const files = [{ path: 'model.onnx', ...(await app.ctx.blobs.put(bytes)) }]
  const { digest } = await artifacts.create(app.ctx, { files })
  return registry.registerVersion(app.ctx, { model: name, flavor: 'onnx', artifact: digest, signature })
}

/** The same, with all of the traffic. */
export async function serveExport(served: RunningModel, exported: Exported) {
  const version = await registerExport(served, exported)
  const { ctx } = served.app
  const live = { release: `${exported.name}.r${version.version}`, version: version.version }
  const routing = { endpoint: exported.name, live, canary: null, shadow: null, warm: [] }
  await serving.prepareRouting(ctx, routing)
  await transaction(ctx, (ctx) => serving.setRouting(ctx, routing))
  return version
}

/** What each door answers to the same rows: values, or what was refused as text that begins with "refused". */
export async function askDoors(
  { app, url, client }: RunningModel,
  endpoint: string,
  rows: readonly Row[],
): Promise<Record<string, Answer[]>> {
  const { inputs } = await client.serving.getEndpoint({ endpoint })
  const types = new Map(inputs.map(({ name, type }) => [name, type]))
  const post = (path: string, body: unknown) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const door = (path: string, bodyOf: (row: Row) => unknown, read: (body: Body) => unknown) => async (row: Row) => {
    const reply = await post(path, bodyOf(row))
    const body = (await reply.json()) as Body
    return reply.status === 200 ? (read(body) as Answer) : `refused ${reply.status}: ${messageIn(body)}`
  }
  const tensor = ([name, value]: [string, unknown]) => {
    const datatype = types.get(name) === 'string' ? 'BYTES' : typeof value === 'boolean' ? 'BOOL' : 'FP64'
    return { name, shape: [1, 1], datatype, data: [value] }
  }
  const doors = {
    predict: door(
      `/api/v1/predict/${endpoint}`,
      (row) => ({ inputs: row }),
      ({ output }) => output,
    ),
    'open inference': door(
      `/v2/models/${endpoint}/infer`,
      (row) => ({ inputs: Object.entries(row).map(tensor) }),
      ({ outputs }) => outputs?.[0]?.data[0],
    ),
    'mlflow scoring': door(
      `/serve/${endpoint}/invocations`,
      (row) => ({ dataframe_split: { columns: Object.keys(row), data: [Object.values(row)] } }),
      ({ predictions }) => predictions?.[0],
    ),
    kserve: door(
      `/v1/models/${endpoint}:predict`,
      (row) => ({ instances: [row] }),
      ({ predictions }) => predictions?.[0],
    ),
  }
  const said: Record<string, Answer[]> = {}
  for (const [name, ask] of Object.entries(doors)) {
    const answers: Answer[] = []
    for (const row of rows) answers.push(await ask(row))
    said[name] = answers
  }
  const batch = await client.serving.predictBatch({ model: endpoint, rows: rows.map((row) => ({ ...row })) })
  const errors = new Map(batch.errors.map(({ row, message }) => [row, message]))
  said['batch'] = batch.outputs.map((output, row) => (errors.has(row) ? `refused 400: ${errors.get(row)}` : output))
  said['replay'] = await replayed(app, rows, said['predict'] ?? [], endpoint)
  return said
}

type Body = {
  output?: unknown
  outputs?: { data: unknown[] }[]
  predictions?: unknown[]
  detail?: string
  error?: string
  message?: string
}

/** The sentence alone; some protocols put the hint after it. */
function messageIn({ detail, error, message }: Body): string {
  return (detail ?? error ?? message ?? '').replace(/ (Where it may be|Write it as|It can be|Did you mean).*$/, '')
}

async function replayed(app: App, rows: readonly Row[], answers: Answer[], endpoint: string): Promise<Answer[]> {
  const found: Answer[] = []
  for (const [index, row] of rows.entries()) {
    if (String(answers[index]).startsWith('refused')) found.push(answers[index] ?? null)
    else {
      const { id } = await serving.predict(app.ctx, { endpoint, inputs: row })
      await serving.flushLog(app.ctx)
      found.push((await serving.replay(app.ctx, { prediction: id })).output)
    }
  }
  return found
}

/** The mean absolute error of a version on a golden set of these rows and labels, or why there is none. */
export async function judge(
  { app }: RunningModel,
  {
    model,
    version,
    rows,
    labels,
  }: { model: string; version: number; rows: readonly Row[]; labels: readonly (number | string)[] },
): Promise<string> {
  const definition = { golden: `${model}-golden`, file: 'golden/rows.jsonl', id: 'row', label: 'right' }
  const items = rows.map((row, index) => ({ ...row, row: `r${index}`, right: labels[index] }))
  await evaluation.applyGolden(app.ctx, { definition, items })
  await registry.setBaseline(app.ctx, { model, value: 0.5 })
  try {
    const { metrics } = await evaluation.evaluate(app.ctx, { model, version, against: 'baseline' })
    return metrics.map(({ metric, candidate }) => `${metric} ${candidate.value}`).join(', ')
  } catch (error) {
    return `refused: ${error instanceof Error ? error.message : String(error)}`
  }
}
