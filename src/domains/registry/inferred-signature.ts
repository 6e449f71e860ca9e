import type { Context } from '../../core/context.ts'
import { transaction } from '../../core/transaction.ts'
import * as features from '../features/features.ts'
import { currentSpec } from './applied-specs.ts'
import { append } from './events.ts'
import type { Signature } from './signature.ts'
import * as store from './store.ts'

type Input = Signature['inputs'][number]
type From = NonNullable<Signature['inferred']>
type Draft = { model: string; flavor: string; trainingSet?: string | null | undefined }

const sampledRows = 2_000
const fewestRows = 20
/** The moment of an example in every training set. */
const moment = 'time'

/**
 * What a version reads, as its training rows show it: all of their columns but the label and the moment. Undefined for what has no
 * inputs by name, and where nobody said which column is the label: as an input it would give everything away.
 */
export async function inferFromTraining(
  ctx: Context,
  { model, flavor, trainingSet }: Draft,
): Promise<Signature | undefined> {
  if (trainingSet === null || trainingSet === undefined || flavor === 'prompt' || flavor === 'constant')
    return undefined
  const { label } = await features.getTrainingSet(ctx, { trainingSet })
  if (label === null) return undefined
  const rows = await features.trainingRows(ctx, trainingSet, sampledRows)
  return signatureOf(ctx, model, { rows, left: new Set([label, moment]), from: 'training_set' })
}

/** A version that has no signature gets one from the predictions that it made, once there are a few of them. */
export async function inferFromPredictions(
  ctx: Context,
  { model, version, rows }: { model: string; version: number; rows: readonly Record<string, unknown>[] },
): Promise<void> {
  const found = await store.findVersion(ctx, model, version)
  if (!found || found.signature !== null || found.flavor === 'prompt' || found.flavor === 'constant') return
  if (rows.length < fewestRows) return
  const signature = await signatureOf(ctx, model, { rows, left: new Set(), from: 'predictions' })
  if (!signature) return
  await transaction(ctx, async (ctx) => {
    if ((await store.findVersion(ctx, model, version))?.signature !== null) return
    await store.updateVersion(ctx, model, version, { signature, updated_at: ctx.now().toISOString() })
    await tellInferred(ctx, { model, version, signature })
  })
}

export function tellInferred(
  ctx: Context,
  { model, version, signature }: { model: string; version: number; signature: Signature },
): Promise<void> {
  const from = signature.inferred ?? 'training_set'
  const inputs = signature.inputs.map(({ name }) => name)
  return append(ctx, 'registry.signature_inferred', `model/${model}`, { version, from, inputs })
}

const words = { training_set: 'training rows', predictions: 'predictions' } as const

/** For people: where the inputs of a version come from that nobody said. */
export function inferredWords({ inferred, inputs }: Signature): string | undefined {
  if (inferred === undefined) return undefined
  const named = inputs.map(({ name, type }) => `${name} (${type})`).join(', ')
  return `Its signature was inferred from its ${words[inferred]}: ${named}. Register it with a signature if it reads other inputs.`
}

type Rows = { rows: readonly Record<string, unknown>[]; left: ReadonlySet<string>; from: From }

async function signatureOf(ctx: Context, model: string, { rows, left, from }: Rows): Promise<Signature | undefined> {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) => !left.has(name) && name !== '_n')
  const inputs = names.flatMap((name) => inputOf(name, rows) ?? [])
  if (inputs.length === 0) return undefined
  const output = (await currentSpec(ctx, model))?.serves.output
  const type = output === 'multiclass' || output === 'text' ? 'string' : 'number'
  return { inputs, output: { name: 'output', type }, inferred: from }
}

/** Numbers are all alike: that no row has a fraction is no promise. A column without a value says nothing. */
function inputOf(name: string, rows: readonly Record<string, unknown>[]): Input | undefined {
  const values = rows.map((row) => (Object.hasOwn(row, name) ? row[name] : null) ?? null)
  const given = values.filter((value) => value !== null)
  if (given.length === 0) return undefined
  const isNumber = (value: unknown) => typeof value === 'number' || typeof value === 'bigint'
  const type = given.every(isNumber)
    ? 'number'
    : given.every((value) => typeof value === 'boolean')
      ? 'boolean'
      : 'string'
  return { name, type, ...(given.length < values.length ? { missing: true } : {}) }
}
