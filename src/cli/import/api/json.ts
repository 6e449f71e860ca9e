export type Json = Record<string, unknown>

export function object(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {}
}

export function objects(value: unknown): Json[] {
  return Array.isArray(value) ? value.map(object) : []
}

export function text(value: unknown): string {
  return value === undefined || value === null ? '' : String(value)
}

export function list(value: unknown): { key: string; value: string }[] {
  return objects(value).map((pair) => ({ key: text(pair['key']), value: text(pair['value']) }))
}

export function pairs(value: unknown): Record<string, string> {
  return Object.fromEntries(list(value).map(({ key, value }) => [key, value]))
}
