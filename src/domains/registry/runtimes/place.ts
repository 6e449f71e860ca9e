import type { Context } from '../../../core/context.ts'
import { AppError } from '../../../core/errors.ts'
import { currentSpec } from '../applied-specs.ts'
import type { ModelSpec } from '../spec/spec.ts'
import type { VersionRecord } from '../store.ts'
import * as store from '../store.ts'
import { keyHeader } from './remote.ts'

type Serves = ModelSpec['serves'] | undefined

/** Where a version runs: what its spec says comes first, then what it is. `nowhere` is for what this server cannot run. */
type Place = 'constant' | 'prompt' | 'upstream' | 'process' | 'mlflow' | 'onnx' | 'nowhere'

export function placeOf(row: VersionRecord, serves: Serves): Place {
  if (row.flavor === 'constant' && row.constant !== null) return 'constant'
  if (row.flavor === 'prompt' && serves?.provider) return 'prompt'
  if (serves?.upstream) return 'upstream'
  if (serves?.run) return 'process'
  if (row.artifact === null) return 'nowhere'
  // An ONNX file of any flavor was tried at registration, and what it answers with is known.
  if (row.flavor === 'mlflow') return row.signature?.output.found === undefined ? 'mlflow' : 'onnx'
  return row.flavor === 'onnx' ? 'onnx' : 'nowhere'
}

/** Whether opening a version starts a program, which takes as long as it takes. */
export async function startsProcess(
  ctx: Context,
  { model, version }: { model: string; version: number },
): Promise<boolean> {
  const row = version === 0 ? undefined : await store.findVersion(ctx, model, version)
  if (!row) return false
  const place = placeOf(row, (await currentSpec(ctx, model))?.serves)
  return place === 'process' || place === 'mlflow'
}

/** The stored label mean, else the default of the spec, else an empty string for answers of text. */
export async function baselineOf(ctx: Context, model: string, serves: Serves): Promise<number | string | null> {
  const row = await store.findModel(ctx, model)
  return row?.baseline ?? row?.baseline_text ?? serves?.default ?? (serves?.output === 'text' ? '' : null)
}

type Asked = { model: string; version: number; serves: Serves }

/** What keeps a version from being opened under a spec, as far as it can be told without opening it. */
export async function obstacleTo(ctx: Context, { model, version, serves }: Asked): Promise<string | undefined> {
  if (version === 0)
    return (await baselineOf(ctx, model, serves)) === null ? 'answers with "serves.default", which is gone' : undefined
  const row = await store.findVersion(ctx, model, version)
  if (!row) return 'is a version that does not exist'
  const place = placeOf(row, serves)
  if (place === 'nowhere')
    return row.flavor === 'prompt'
      ? 'is a prompt, and "serves.provider", which answers it, is gone'
      : `is of flavor ${row.flavor}, and neither "serves.run" nor "serves.upstream" says what answers it`
  return missingKey(ctx, place, serves)
}

function missingKey(ctx: Context, place: Place, serves: Serves): string | undefined {
  const { provider, upstream } = serves ?? {}
  const asked = place === 'prompt' ? { urls: [provider?.url ?? ''], key: provider?.key } : upstream
  if ((place !== 'prompt' && place !== 'upstream') || !asked) return undefined
  try {
    for (const url of asked.urls) keyHeader(ctx, url, asked.key)
    return undefined
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const said = [error.message, error.hint ?? ''].join(' ').trim()
    return `needs a key that it would not get: ${said.replace(/\.+$/, '')}`
  }
}
