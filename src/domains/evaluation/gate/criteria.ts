import type { Context } from '../../../core/context.ts'
import { AppError } from '../../../core/errors.ts'
import type { ModelSpec } from '../../registry/spec/spec.ts'
import type { Measurements, ModelVersion } from '../answers/answers.ts'
import { type Examination, evidenceOf, examine, type Recorded } from '../evaluate/evaluate.ts'
import { getPrices } from '../prices.ts'
import type { GateCheck } from '../rules.ts'
import { checksOf, lineageCheck } from './checks.ts'
import { parityOf } from './parity.ts'

/** What a gate looked at, to look at the very same again. */
export type Pinned = {
  goldenVersion: number
  against: string
  /** Digests; null where there was none. */
  prices: string | null
  traffic: string | null
  recorded: Recorded | undefined
  measured: Measurements | undefined
}

export type Findings = {
  checks: GateCheck[]
  /** Digests of all that the checks depend on, except measured times. */
  basis: Record<string, unknown>
  examined: Examination | undefined
}

type Asked = { spec: ModelSpec; candidate: ModelVersion; pinned?: Pinned | undefined }

/** Every criterion of the spec judged, and what that depended on. */
export async function findingsOf(ctx: Context, { spec, candidate, pinned }: Asked): Promise<Findings> {
  const lineage = lineageCheck(candidate)
  const lineageBasis = { tainted: candidate.tainted, artifact: candidate.artifact }
  try {
    const found = await examine(ctx, {
      spec,
      version: candidate,
      golden: spec.golden,
      goldenVersion: pinned?.goldenVersion,
      against: pinned?.against ?? spec.success.quality.against,
      timed: !pinned,
      traffic: pinned?.traffic,
      recorded: pinned?.recorded,
    })
    const examined = pinned ? { ...found, measured: pinned.measured } : found
    const none = { digest: null, prices: {}, createdAt: null, createdBy: null }
    const prices = pinned?.prices === null ? none : await getPrices(ctx, pinned ? { digest: pinned.prices } : {})
    const parity = await parityOf(ctx, spec, candidate)
    return {
      checks: [...checksOf(spec, examined, prices), ...parity.checks, lineage],
      basis: { ...evidenceOf(examined), prices: prices.digest, ...lineageBasis, parity: parity.evidence },
      examined,
    }
  } catch (error) {
    if (!isFinding(error)) throw error
    const reason = `${error.message}${error.hint ? ` ${error.hint}` : ''}`
    return {
      checks: [blocking('evaluation', 'error', reason), lineage],
      basis: { ...lineageBasis, error: { code: error.code, message: error.message } },
      examined: undefined,
    }
  }
}

/** What makes a candidate unjudgeable is the gate's answer; a fault of the server stays an exception. */
function isFinding(error: unknown): error is AppError {
  if (!(error instanceof AppError)) return false
  return error.status < 500 || error.code === 'upstream_failed' || error.code === 'not_supported'
}

export function blocking(check: string, verdict: 'fail' | 'error', reason: string): GateCheck {
  return { check, verdict, required: true, value: null, limit: null, n: 0, reason }
}
