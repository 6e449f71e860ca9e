import { digestOf } from './digest.ts'

/** JSON with sorted keys and no spaces (as in RFC 8785): equal values have equal text, so they have equal digests. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item === undefined ? null : item)).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`
  }
  return typeof value === 'bigint' ? value.toString() : (JSON.stringify(value) ?? 'null')
}

export function digestOfJson(value: unknown): string {
  return digestOf(canonicalJson(value))
}
