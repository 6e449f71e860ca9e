/** Digits enough for an integer that a double may not hold; anything shorter is exact anyhow. */
const manyDigits = /\d{16}/

type Source = { source?: string }
type Reviver = (this: unknown, key: string, value: unknown, context: Source) => unknown

/** Of ECMAScript 2025's JSON.parse source text access, which the type library does not describe yet. */
const { parse, stringify, rawJSON } = JSON as unknown as {
  parse(text: string, reviver?: Reviver): unknown
  stringify(value: unknown, replacer?: (key: string, value: unknown) => unknown): string
  rawJSON(text: string): unknown
}

/**
 * JSON whose integers keep every digit: one that a double does not hold exactly becomes a bigint, read from its own text.
 * Throws SyntaxError as JSON.parse does.
 */
export function parseExactJson(text: string): unknown {
  if (!manyDigits.test(text)) return parse(text)
  return parse(text, (_key, value, { source }) => {
    if (typeof value !== 'number' || Number.isSafeInteger(value) || source === undefined) return value
    return /^-?\d+$/.test(source) ? BigInt(source) : value
  })
}

/** The JSON of a value in which bigints are written as the numbers that they are. Most values hold none, and are not looked at twice. */
export function exactJson(value: unknown): string {
  try {
    return stringify(value)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return stringify(value, (_key, item) => (typeof item === 'bigint' ? rawJSON(item.toString()) : item))
  }
}

/** The path of the first bigint within a parsed value, such as `rows.0.id`; undefined when every number fits a double. */
export function findBigInteger(value: unknown, path = ''): string | undefined {
  if (typeof value === 'bigint') return path
  if (typeof value !== 'object' || value === null) return undefined
  for (const [key, item] of Object.entries(value)) {
    const found = findBigInteger(item, path === '' ? key : `${path}.${key}`)
    if (found !== undefined) return found
  }
  return undefined
}
