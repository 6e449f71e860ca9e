import type { Context } from '../../../core/context.ts'
import * as features from '../../features/features.ts'
import type { ModelSpec } from '../../registry/spec/spec.ts'
import type { ModelVersion } from '../answers/answers.ts'
import { type GateCheck, judgeParity } from '../rules.ts'

const sampledRows = 2000
const defaultParity = { tolerance: 0.05, share: 0.01 }

/** Whether serving would have given the feature values that the version was trained on, one check for each feature. */
export async function parityChecks(
  ctx: Context,
  spec: ModelSpec,
  { service, trainingSet }: ModelVersion,
): Promise<{ checks: GateCheck[]; evidence: unknown }> {
  if (service === null)
    return { checks: [parityCheck('pass', 'the version reads request fields only')], evidence: null }
  const { items } = await features.listServices(ctx)
  const served = items.find(({ name }) => name === service)?.features ?? []
  if (served.length === 0) {
    return {
      checks: [parityCheck('pass', `"${service}" gives request fields only: there is nothing to differ`)],
      evidence: null,
    }
  }
  if (trainingSet === null) {
    const reason = `the version names no training set, so its values of "${service}" cannot be compared with serving's`
    return { checks: [parityCheck('cannot_tell', reason)], evidence: null }
  }
  const rule = spec.success.parity ?? defaultParity
  const { asOf, digest, service: trained } = await features.getTrainingSet(ctx, { trainingSet })
  if (trained !== service) {
    const reason = `it was trained on the features of "${trained}" and is served those of "${service}"`
    return { checks: [parityCheck('fail', reason)], evidence: { trainingSet: digest, trained, service } }
  }
  const found = await features.parity(ctx, { trainingSet, sample: sampledRows, tolerance: rule.tolerance })
  const checks = found.features.map((feature) => judgeParity(feature, { ...rule, asOf }))
  if (checks.length === 0) checks.push(parityCheck('error', `parity of "${trainingSet}" compared no feature`))
  return { checks, evidence: { trainingSet: digest, sample: sampledRows, ...rule, features: found.features } }
}

function parityCheck(verdict: GateCheck['verdict'], reason: string): GateCheck {
  return { check: 'parity', verdict, required: true, value: null, limit: null, n: 0, reason }
}
