/** A value as a string, so that the identifiers `1` and `"1"` are the same. */
export function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? '')
}
