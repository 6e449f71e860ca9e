import { type RawBuilder, sql } from 'kysely'

export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>='
export type TextOperator = '=' | '!=' | 'like' | 'ilike' | 'in' | 'not in' | 'is null' | 'is not null'

type Fragment = RawBuilder<unknown>

/** A term of a search over texts; every value is bound. */
export function compareText(
  column: Fragment,
  { operator, value }: { operator: TextOperator; value: string | string[] },
): Fragment {
  if (operator === 'is null') return sql`${column} is null`
  if (operator === 'is not null') return sql`${column} is not null`
  if (Array.isArray(value)) {
    const list = sql.join(value)
    if (value.length === 0) return operator === 'not in' ? sql`1 = 1` : sql`1 = 0`
    return operator === 'not in' ? sql`${column} not in (${list})` : sql`${column} in (${list})`
  }
  if (operator === 'like') return sql`${column} like ${pattern(value)} escape '\\'`
  if (operator === 'ilike') return sql`lower(${column}) like ${pattern(value.toLowerCase())} escape '\\'`
  return operator === '!=' ? sql`${column} <> ${value}` : sql`${column} = ${value}`
}

/** A backslash means itself to who searches. */
function pattern(value: string): string {
  return value.replaceAll('\\', '\\\\')
}

export function comparison(operator: Comparison): Fragment {
  return sql.raw(operator === '!=' ? '<>' : operator)
}

export function all(terms: Fragment[]): Fragment {
  return terms.length === 0 ? sql`1 = 1` : sql.join(terms, sql` and `)
}
