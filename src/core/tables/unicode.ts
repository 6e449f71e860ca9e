/** Why a text cannot be stored, or undefined: PostgreSQL and DuckDB take no NUL, and half a surrogate pair is no character. */
export function unfitText(text: string): string | undefined {
  if (text.includes('\u0000')) return 'holds a NUL character'
  if (!text.isWellFormed()) return 'holds half of a surrogate pair, which is not valid Unicode'
  return undefined
}
