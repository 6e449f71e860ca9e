import type { Context } from '../../../core/context.ts'
import type { Output } from '../../../core/contract.ts'
import { AppError, invalidInput } from '../../../core/errors.ts'
import { digestOfJson } from '../../../core/json/json.ts'
import type { Row, Value } from '../../../core/onnx/onnx.ts'
import * as features from '../../features/features.ts'
import type { registry as registryContract } from '../../registry/contract.ts'
import * as registry from '../../registry/registry.ts'
import type { ModelSpec, Provider } from '../../registry/spec/spec.ts'
import { type Definition, type Item, instantOf } from '../golden/golden.ts'
import type { Usage } from './usage.ts'

export type ModelVersion = Output<(typeof registryContract)['getVersion']>
/** Answers that no version gives: they stand in the golden set, or a command of the project's own gives them. */
export type Given = { answers: Value[] } | { command: string[]; timeout: string | undefined; items: string[] }
type AsOf = 'known' | 'event' | 'request'

/** One side of a comparison: a version, what it reads for each item, and what it was made from. */
export type Side = {
  model: string
  /** 0: the built-in baseline, which always answers `constant`. Null where no version answers. */
  version: number | null
  name: string
  constant: number | string | null
  prompt: { text: string; provider: Provider } | null
  given: Given | null
  inputs: Row[]
  asOf: AsOf
  /** The period that its training set covers, end excluded. */
  trained: { from: string; to: string } | null
  evidence: Record<string, unknown>
}

/** Answers many rows at once; `ask`, where each answer is a remote call, answers one row and says what it consumed. */
export type Answerer = {
  predict(rows: Row[], took?: (milliseconds: number) => void): Promise<Value[]>
  ask?: (row: Row) => Promise<{ answer: Value; marks: registry.AnswerMark[]; usage: Usage }>
  close(): Promise<void>
}

export type Golden = {
  definition: Definition
  items: readonly Item[]
  spec: ModelSpec
  set: { name: string; version: number; columns: readonly string[] }
}

/** A registered version with its inputs: request fields from the item, features as the version was trained on them. */
export async function versionSide(ctx: Context, version: ModelVersion, golden: Golden): Promise<Side> {
  const trainingSet =
    version.trainingSet === null ? undefined : await features.getTrainingSet(ctx, { trainingSet: version.trainingSet })
  const { inputs, asOf } = await inputsOf(ctx, { version, golden, asOf: trainingSet?.asOf ?? 'known' })
  const prompt = version.flavor === 'prompt' ? promptOf(version, golden.spec) : null
  return {
    model: version.model,
    version: version.version,
    name: `v${version.version}`,
    constant: null,
    prompt,
    given: null,
    inputs,
    asOf,
    trained: trainingSet ? periodOf(trainingSet) : null,
    evidence: {
      version: version.version,
      flavor: version.flavor,
      artifact: version.artifact,
      constant: version.constant,
      ...(prompt ? { prompt: digestOfJson(prompt.text), provider: prompt.provider } : {}),
      code: version.code,
      service: version.service,
      trainingSet: trainingSet ? { id: trainingSet.id, digest: trainingSet.digest } : null,
      asOf,
      inputs: digestOfJson(inputs),
    },
  }
}

/** A set whose rows have no time covers no period that is known. */
function periodOf({ from, to }: { from: string | null; to: string | null }): Side['trained'] {
  return from === null || to === null ? null : { from, to }
}

function promptOf({ model, version, prompt }: ModelVersion, spec: ModelSpec): { text: string; provider: Provider } {
  const { provider } = spec.serves
  if (provider && prompt !== null) return { text: prompt, provider }
  throw invalidInput(`"${model}@${version}" is a prompt, and the spec names nobody who answers it.`, {
    name: `${model}@${version}`,
    hint: 'Add "provider" with url and model under "serves" in the spec.',
  })
}

type InputsOf = { version: ModelVersion; golden: Golden; asOf: 'known' | 'event' }

async function inputsOf(ctx: Context, { version, golden, asOf }: InputsOf): Promise<{ inputs: Row[]; asOf: AsOf }> {
  const { definition, items, spec } = golden
  const plain = items.map((item) => requestOf(item, definition))
  if (version.flavor === 'prompt') return { inputs: plain, asOf: 'request' }
  const rules = await registry.rowRules(ctx, version, spec.serves)
  const needed = version.signature?.inputs ?? []
  const given = rules.request.filter(({ name }) => plain.some((row) => row[name] !== undefined))
  requireColumns(rules.request, plain, { version, golden })
  const requests = items.map((item, index) => ({
    ...plain[index],
    ...readItem(item, definition, () => registry.readFields(given, withoutLabel(item, definition), true)),
  }))
  const { rows, used } = await withFeatures(ctx, { service: version.service, golden, requests, asOf })
  requireColumns(rules.views, rows, { version, golden })
  const inputs = rows.map((row, index) => {
    const read = { ...row, ...readItem(items[index], definition, () => registry.readFields(rules.views, row, true)) }
    return Object.fromEntries(needed.map(({ name }) => [name, read[name] ?? null]))
  })
  return { inputs, asOf: used }
}

/** What no item has is a mistake in the set, not a missing value. */
function requireColumns(
  fields: readonly registry.Field[],
  rows: readonly Row[],
  { version, golden }: { version: ModelVersion; golden: Golden },
): void {
  const needed = new Set(version.signature?.inputs.map(({ name }) => name))
  for (const { name } of fields) {
    if (!needed.has(name) || rows.some((row) => row[name] !== undefined)) continue
    const { service } = version
    throw invalidInput(
      `The golden set "${golden.definition.golden}" has no column "${name}", which v${version.version} reads.`,
      { name, hint: service === null ? undefined : `The feature service "${service}" does not give it either.` },
    )
  }
}

/** A row that no door would answer is not judged either: its item is named. */
function readItem(item: Item | undefined, { golden, id }: Definition, read: () => Row): Row {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw invalidInput(`Item ${JSON.stringify(item?.[id])} of the golden set "${golden}": ${error.message}`, {
      name: error.offender,
      hint: error.hint,
    })
  }
}

type WithFeatures = { service: string | null; golden: Golden; requests: Row[]; asOf: 'known' | 'event' }

async function withFeatures(
  ctx: Context,
  { service, golden, requests, asOf }: WithFeatures,
): Promise<{ rows: Row[]; used: AsOf }> {
  if (service === null) return { rows: requests, used: 'request' }
  const { items: services } = await features.listServices(ctx)
  const found = services.find(({ name }) => name === service)
  if ((found?.features ?? []).length === 0) return { rows: requests, used: 'request' }
  const column = golden.definition.time
  if (column === undefined) {
    throw invalidInput(`The golden set "${golden.definition.golden}" has no time column, and "${service}" needs one.`, {
      name: golden.definition.golden,
      hint: 'Name the column with the moment of the decision under "time" in keel.yaml.',
    })
  }
  const rows = golden.items.map((item, index) => ({
    time: instantOf(item[column])?.toISOString() ?? '',
    request: requests[index] ?? {},
  }))
  const values = await features.lookupAsOf(ctx, { service, rows, asOf })
  return { rows: requests.map((request, index) => ({ ...request, ...values[index] })), used: asOf }
}

/** The item as a caller would have sent it: without the label. */
export function requestOf(item: Item, definition: Definition): Row {
  const columns = Object.entries(withoutLabel(item, definition))
  return Object.fromEntries(columns.map(([column, value]) => [column, toValue(value)]))
}

function withoutLabel({ ...item }: Item, { label }: Definition): Item {
  delete item[label]
  return item
}

function toValue(value: unknown): Value {
  if (typeof value === 'number' || typeof value === 'string') return value
  return typeof value === 'boolean' ? Number(value) : null
}
