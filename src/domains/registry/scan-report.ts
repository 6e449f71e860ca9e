import type { Static } from 'typebox'
import { object, oneOf } from '../../core/contract.ts'
import { Type } from '../../core/shapes/shapes.ts'

export const findingKinds: [
  'pickle',
  'dangerous_import',
  'unknown_import',
  'code',
  'loader_module',
  'traversal',
  'link',
  'bomb',
  'unreadable',
] = ['pickle', 'dangerous_import', 'unknown_import', 'code', 'loader_module', 'traversal', 'link', 'bomb', 'unreadable']

export type Finding = {
  kind: (typeof findingKinds)[number]
  severity: 'info' | 'warning' | 'danger'
  file: string
  detail: string
}

export const ScanReport = object({
  state: oneOf(['clean', 'warning', 'danger']),
  findings: Type.Array(
    object({
      kind: oneOf(findingKinds),
      severity: oneOf(['info', 'warning', 'danger']),
      file: Type.String(),
      detail: Type.String(),
    }),
  ),
  more: Type.Integer({ description: 'Findings beyond those that are listed' }),
})

export type ScanReport = Static<typeof ScanReport>
