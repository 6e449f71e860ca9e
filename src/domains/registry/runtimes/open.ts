import type { Context } from '../../../core/context.ts'
import { AppError, notFound } from '../../../core/errors.ts'
import { openPooledOnnx } from '../../../core/onnx/onnx.ts'
import * as artifacts from '../../artifacts/artifacts.ts'
import { currentSpec } from '../applied-specs.ts'
import { modelUse } from '../model-use.ts'
import type { ModelSpec } from '../spec/spec.ts'
import type { VersionRecord } from '../store.ts'
import * as store from '../store.ts'
import { asksForChances, mlflowServer, predictChances } from './mlflow.ts'
import { baselineOf, placeOf } from './place.ts'
import { openProcess } from './process.ts'
import { openPrompt } from './prompt.ts'
import type { Runtime } from './runtime.ts'
import { openUpstreamVersion } from './upstream.ts'

/** `signal` stops waiting for a process that is being started. */
type VersionToOpen = { model: string; version: number; purpose?: 'live' | 'background'; signal?: AbortSignal }

/**
 * Opens a version where its spec says it runs: at an upstream, in a process of its own, or in a thread of this server from
 * verified bytes. Version 0 is the model's built-in baseline, a constant.
 */
export async function openRuntime(
  ctx: Context,
  { model, version, purpose = 'background', signal }: VersionToOpen,
): Promise<Runtime> {
  const serves = (await currentSpec(ctx, model))?.serves
  if (version === 0) {
    const baseline = await baselineOf(ctx, model, serves)
    if (baseline === null) throw notFound('Baseline of model', model)
    return openConstant(baseline)
  }
  const row = await store.findVersion(ctx, model, version)
  if (!row) throw notFound('Model version', `${model}@${version}`)
  const { provider, upstream, run, limits } = serves ?? {}
  const place = placeOf(row, serves)
  if (place === 'constant' && row.constant !== null) return openConstant(row.constant)
  if (place === 'prompt' && provider) return openPrompt(ctx, row, { provider, limits })
  if (place === 'upstream' && upstream) return openUpstreamVersion(ctx, row, { upstream, limits })
  if (place === 'process' && run) return openProcess(ctx, row, { run, limits, signal })
  if (place === 'mlflow') return openMlflow(ctx, row, { serves, signal })
  return openOnnxVersion(ctx, row, { purpose, serves })
}

type MlflowOptions = { serves: ModelSpec['serves'] | undefined; signal: AbortSignal | undefined }

function openMlflow(ctx: Context, row: VersionRecord, { serves, signal }: MlflowOptions): Promise<Runtime> {
  const prepare = asksForChances(row.mlflow, serves) ? predictChances : undefined
  return openProcess(ctx, row, {
    run: mlflowServer(ctx.config.mlflow),
    limits: serves?.limits,
    signal,
    prepare,
    from: 'the setting "mlflow" of the server (--mlflow, KEEL_MLFLOW)',
  })
}

type OpenOptions = { purpose: 'live' | 'background'; serves: ModelSpec['serves'] | undefined }

async function openOnnxVersion(ctx: Context, row: VersionRecord, { purpose, serves }: OpenOptions): Promise<Runtime> {
  const name = `${row.model}@${row.version}`
  if (placeOf(row, serves) !== 'onnx' || row.artifact === null) {
    throw new AppError('not_supported', `"${name}" is a ${row.flavor}; it does not run in this process.`, {
      name: row.model,
      hint:
        row.flavor === 'prompt'
          ? 'Name who answers it under "serves.provider" in the spec.'
          : 'Name what runs it under "serves.run" (a command) or "serves.upstream" (a URL) in the spec.',
    })
  }
  const { files } = await artifacts.get(ctx, { digest: row.artifact })
  const file = files.find(({ path }) => path.endsWith('.onnx'))
  if (!file) throw notFound('ONNX file of', name)
  const read = () => ctx.blobs.readVerified(file.digest)
  const use = modelUse(row.signature, serves)
  const onnx = await openPooledOnnx(ctx, { name, read, use, purpose, copies: purpose === 'live' ? serves?.threads : 1 })
  return {
    predict: (rows, asking) => onnx.predict(rows, asking?.took),
    state: () => ({ kind: 'onnx', ready: true }),
    close: onnx.close,
  }
}

function openConstant(value: number | string): Runtime {
  return {
    predict: async (rows) => rows.map(() => value),
    constant: value,
    state: () => ({ kind: 'constant', ready: true }),
    close: async () => undefined,
  }
}
