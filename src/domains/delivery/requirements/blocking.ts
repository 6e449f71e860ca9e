import type { Static } from 'typebox'
import type { Verdict } from '../../evaluation/contract.ts'
import type { Requirement as RequirementShape } from '../shapes.ts'

export type Requirement = Static<typeof RequirementShape>

type Blocking = {
  /** Verdicts that block the release. */
  blocks: readonly Verdict[]
  /** Of these the ones that a second person may sign: signed, they no longer block. */
  signable?: readonly Verdict[]
}

const unlessPassed: Blocking = { blocks: ['fail', 'cannot_tell', 'error'] }

/** Everything that a release needs, and which verdicts about it stop the release. Only a pass is ever "met". */
export const blocking = {
  spec: unlessPassed,
  owner: unlessPassed,
  backup: unlessPassed,
  'rollback plan': unlessPassed,
  gate: { ...unlessPassed, signable: ['cannot_tell'] },
  // A model that is not served yet has no rows to be compared with: that must not keep it from being served.
  'train/serve skew': { blocks: ['fail', 'error'] },
  leakage: { ...unlessPassed, signable: ['fail'] },
  lineage: unlessPassed,
  unpinned: unlessPassed,
  'no other rollout': unlessPassed,
  policy: unlessPassed,
  'golden freshness': unlessPassed,
} as const satisfies Record<string, Blocking>

export type RequirementName = keyof typeof blocking

type Finding = { verdict: Verdict; detail: string; signed?: boolean }

/** `detail` of one that blocks completes "The release needs …". */
export function requirement(name: RequirementName, { verdict, detail, signed = false }: Finding): Requirement {
  const { blocks, signable = [] }: Blocking = blocking[name]
  return {
    requirement: name,
    verdict,
    blocks: blocks.includes(verdict) && !(signed && signable.includes(verdict)),
    met: verdict === 'pass',
    detail,
  }
}

export function pass(name: RequirementName, detail: string): Requirement {
  return requirement(name, { verdict: 'pass', detail })
}

export function fail(name: RequirementName, detail: string): Requirement {
  return requirement(name, { verdict: 'fail', detail })
}

export function cannotTell(name: RequirementName, detail: string): Requirement {
  return requirement(name, { verdict: 'cannot_tell', detail })
}
