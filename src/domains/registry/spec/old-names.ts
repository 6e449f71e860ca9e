import type { ModelSpec } from './model-spec.ts'

/** The spec under the present names of its keys. Files and rows of earlier versions may say `delivery.elsewhere`. */
export function withPresentNames(spec: ModelSpec): ModelSpec {
  const { elsewhere, ...delivery } = spec.delivery
  return elsewhere === undefined ? spec : { ...spec, delivery: { external: elsewhere, ...delivery } }
}

/** What to write instead of the old names that a spec uses. */
export function oldNamesIn({ model, delivery }: ModelSpec): string[] {
  if (delivery.elsewhere === undefined) return []
  const ignored = delivery.external === undefined ? 'it is still read' : 'it is ignored, since both are there'
  return [`models/${model}.yaml: write "delivery.external" instead of "delivery.elsewhere" (${ignored}).`]
}
