import type { Context } from '../../core/context.ts'
import { AppError, notFound } from '../../core/errors.ts'
import { openOnnx, type Row, type Value } from '../../core/onnx.ts'
import * as artifacts from '../artifacts/artifacts.ts'
import * as store from './store.ts'

/** A loaded version: answers rows in order. */
export type Runtime = { predict(rows: Row[]): Promise<Value[]>; close(): Promise<void> }

/** Loads a version from verified bytes. Version 0 is the model's built-in baseline, which always answers the same. */
export async function openRuntime(
  ctx: Context,
  { model, version }: { model: string; version: number },
): Promise<Runtime> {
  if (version === 0) {
    const baseline = (await store.findModel(ctx, model))?.baseline
    if (baseline === null || baseline === undefined) throw notFound('Baseline of model', model)
    return constant(baseline)
  }
  const row = await store.findVersion(ctx, model, version)
  if (!row) throw notFound('Model version', `${model}@${version}`)
  if (row.flavor === 'constant' && row.constant !== null) return constant(row.constant)
  if (row.flavor !== 'onnx' || row.artifact === null) {
    throw new AppError('not_supported', `"${model}@${version}" is a ${row.flavor}; it does not run in this process.`, {
      name: model,
    })
  }
  const { files } = await artifacts.get(ctx, { digest: row.artifact })
  const file = files.find(({ path }) => path.endsWith('.onnx'))
  if (!file) throw notFound('ONNX file of', `${model}@${version}`)
  return openOnnx(await ctx.blobs.readVerified(file.digest))
}

function constant(value: number): Runtime {
  return { predict: async (rows) => rows.map(() => value), close: async () => undefined }
}
