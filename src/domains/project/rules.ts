import { canonicalJson } from '../../core/json/json.ts'

type Json = unknown

/** The paths at which two definitions differ, as `delivery.rollout.bake: "1h" -> "2h"`. */
export function differences(before: Json, after: Json, path = ''): string[] {
  if (canonicalJson(before) === canonicalJson(after)) return []
  if (isObject(before) && isObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
    return keys.flatMap((key) => differences(before[key], after[key], path === '' ? key : `${path}.${key}`))
  }
  return [`${path}: ${shown(before)} -> ${shown(after)}`]
}

function isObject(value: Json): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function shown(value: Json): string {
  if (value === undefined) return 'nothing'
  const text = canonicalJson(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

export function duplicates(names: string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))]
}
