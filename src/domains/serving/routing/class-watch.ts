import * as registry from '../../registry/registry.ts'
import type { OutputKind } from '../rules.ts'

/** What a version has answered so far, where probabilities are expected. */
export type ClassWatch = { answers: number; allClasses: boolean }

export const newClassWatch = (): ClassWatch => ({ answers: 0, allClasses: true })

/** Whether the answer is one more of many that were all 0 or 1: a class, where a probability was expected. */
export function looksLikeClass(watch: ClassWatch, output: unknown, kind: OutputKind | undefined): boolean {
  if (kind !== 'binary') return false
  watch.answers += 1
  watch.allClasses &&= registry.isClass(output)
  return watch.allClasses && watch.answers >= registry.fewestClasses
}
