import type { Context } from '../../../core/context.ts'
import { AppError } from '../../../core/errors.ts'
import * as features from '../../features/features.ts'
import * as registry from '../../registry/registry.ts'
import type { Against, ModelSpec } from '../../registry/spec/spec.ts'
import type { Measurements, ModelVersion } from '../answers/answers.ts'
import { type ComparisonRun, evidenceOf, type RecordedAnswers, runComparison } from '../evaluate/evaluate.ts'
import { getPrices } from '../prices.ts'
import type { GateCheck } from '../rules.ts'
import { checksOf, lineageCheck } from './checks.ts'
import { parityChecks } from './parity.ts'

/** The inputs of an earlier gate, to judge exactly the same again. */
export type EarlierInputs = {
  goldenVersion: number
  against: Against
  /** Digests; null where there was none. */
  prices: string | null
  traffic: string | null
  recorded: RecordedAnswers | undefined
  measured: Measurements | undefined
}

export type Criteria = {
  checks: GateCheck[]
  /** Digests of all that the checks depend on, except measured times. */
  basis: Record<string, unknown>
  comparisonRun: ComparisonRun | undefined
}

type CriteriaRequest = { spec: ModelSpec; candidate: ModelVersion; earlier?: EarlierInputs | undefined }

/** Judges every criterion of the spec and names what the checks depended on. */
export async function judgeCriteria(ctx: Context, { spec, candidate, earlier }: CriteriaRequest): Promise<Criteria> {
  const { trainingSet } = candidate
  const origin = trainingSet === null ? undefined : await features.getTrainingSet(ctx, { trainingSet })
  const lineage = lineageCheck(candidate, origin)
  const lineageBasis = { tainted: candidate.tainted, artifact: candidate.artifact }
  try {
    const found = await runComparison(ctx, {
      spec,
      version: candidate,
      golden: spec.golden,
      goldenVersion: earlier?.goldenVersion,
      against: earlier?.against ?? spec.success.quality.against,
      timed: !earlier,
      traffic: earlier?.traffic,
      recorded: earlier?.recorded,
    })
    const comparisonRun = earlier ? { ...found, measured: earlier.measured } : found
    const none = { digest: null, prices: {}, createdAt: null, createdBy: null }
    const prices = earlier?.prices === null ? none : await getPrices(ctx, earlier ? { digest: earlier.prices } : {})
    const parity = await parityChecks(ctx, spec, candidate)
    return {
      checks: [...checksOf(spec, comparisonRun, prices), ...parity.checks, lineage],
      basis: { ...evidenceOf(comparisonRun), prices: prices.digest, ...lineageBasis, parity: parity.evidence },
      comparisonRun,
    }
  } catch (error) {
    if (!isFaultOfCandidate(error)) throw error
    const said = error.hint ? `${error.message.replace(/[^.!?]$/, '$&.')} ${error.hint}` : error.message
    const inferred = candidate.signature === null ? undefined : registry.inferredWords(candidate.signature)
    const reason = inferred === undefined ? said : `${said} ${inferred}`
    return {
      checks: [blockingCheck('evaluation', 'error', reason), lineage],
      basis: { ...lineageBasis, error: { code: error.code, message: error.message } },
      comparisonRun: undefined,
    }
  }
}

/** An error caused by the candidate or its inputs becomes a check of the gate; a fault of the server stays an exception. */
function isFaultOfCandidate(error: unknown): error is AppError {
  if (!(error instanceof AppError)) return false
  return error.status < 500 || error.code === 'upstream_failed' || error.code === 'not_supported'
}

export function blockingCheck(check: string, verdict: 'fail' | 'error', reason: string): GateCheck {
  return { check, verdict, required: true, value: null, limit: null, n: 0, reason }
}
