import type { Context } from '../../core/context.ts'
import * as artifacts from '../artifacts/artifacts.ts'
import { readSchema } from './mlflow-schema.ts'
import type { MlflowModel } from './shapes.ts'
import type { Signature } from './signature.ts'

/** The file in which MLflow says what a model is: https://mlflow.org/docs/latest/ml/model/#mlmodel-file */
const described = 'MLmodel'
const mostBytes = 1_000_000

type Found = { facts: MlflowModel; signature: Signature | undefined; warnings: string[]; run: string | undefined }
type Fields = Record<string, unknown>

/** What the MLmodel file of an artifact says; undefined where it has none, and nothing but a warning where it cannot be read. */
export async function readMlflowModel(ctx: Context, artifact: string): Promise<Found | undefined> {
  const { files } = await artifacts.get(ctx, { digest: artifact })
  const file = files.find(({ path }) => path === described)
  if (!file) return undefined
  if (file.size > mostBytes) return unread('is larger than a megabyte')
  return readMlmodel(await ctx.blobs.readVerified(file.digest))
}

/** What the bytes of an MLmodel file say, wherever they came from. */
export async function readMlmodel(bytes: Uint8Array): Promise<Found> {
  const fields = await fieldsOf(bytes)
  if (!fields) return unread('is no YAML')
  const flavors = asFields(fields['flavors'])
  const pyfunc = asFields(flavors['python_function'])
  const { signature, warnings } = readSchema(asFields(fields['signature']))
  return {
    facts: {
      flavors: Object.keys(flavors).slice(0, 20),
      loader: asText(pyfunc['loader_module']) ?? null,
      predicts: asText(pyfunc['predict_fn']) ?? null,
      example: asText(asFields(fields['saved_input_example_info'])['artifact_path']) ?? null,
    },
    signature,
    warnings,
    run: asText(fields['run_id']),
  }
}

function unread(why: string): Found {
  return {
    facts: { flavors: [], loader: null, predicts: null, example: null },
    signature: undefined,
    run: undefined,
    warnings: [`Its ${described} file ${why}, so that nothing is known of its inputs.`],
  }
}

async function fieldsOf(bytes: Uint8Array): Promise<Fields | undefined> {
  const { parse } = await import('yaml')
  try {
    const found: unknown = parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return typeof found === 'object' && found !== null && !Array.isArray(found) ? (found as Fields) : undefined
  } catch {
    // Whoever wrote it: the caller says that it cannot be read.
    return undefined
  }
}

function asFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= 1_000 ? value : undefined
}
