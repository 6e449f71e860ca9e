import type { Value } from '../../../core/onnx/onnx.ts'
import type { Label } from './labels.ts'

type Ranked = { item: string; score: number }

/**
 * The items of a ranked list, from an answer that is the JSON text of `["a", "b"]`, best first, or of `{"a": score, …}`;
 * undefined for any other answer.
 */
export function rankedOf(output: Value): Ranked[] | undefined {
  const given = jsonOf(output)
  if (Array.isArray(given)) return given.map((item, index) => ({ item: String(item), score: -index }))
  if (typeof given !== 'object' || given === null) return undefined
  const ranked = Object.entries(given).map(([item, score]) => ({ item, score: Number(score) }))
  return ranked.every(({ score }) => Number.isFinite(score)) ? ranked : undefined
}

/** How relevant each item was; of an item that the label does not name, not at all. Undefined where they do not belong together. */
export function relevancesOf(ranked: readonly Ranked[], label: Label | null): number[] | undefined {
  if (label === null || typeof label !== 'object') return undefined
  if (!Array.isArray(label)) return ranked.map(({ item }) => (Object.hasOwn(label, item) ? (label[item] ?? 0) : 0))
  return label.length === ranked.length ? label : undefined
}

function jsonOf(output: Value): unknown {
  if (typeof output !== 'string' || !/^\s*[[{]/.test(output)) return undefined
  try {
    return JSON.parse(output)
  } catch {
    // An answer that only looks like JSON is a text.
    return undefined
  }
}
