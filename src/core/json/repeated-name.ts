const [quote, backslash, colon] = [34, 92, 58]

/**
 * A name that one object of a JSON text has twice, of which reading keeps the last value without a word; undefined where there is
 * none. `value` is what was read of the text: as long as it holds as many names as were written, nothing is looked at again.
 */
export function repeatedName(text: string, value: unknown): string | undefined {
  if (namesWritten(text) === namesHeld(value)) return undefined
  const open: Set<string>[] = []
  let last = ''
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]/g)) {
    if (token === '{' || token === '[') open.push(new Set())
    else if (token === '}' || token === ']') open.pop()
    else if (token !== ':') last = token
    else {
      const name = JSON.parse(last) as string
      if (open.at(-1)?.has(name)) return name
      open.at(-1)?.add(name)
    }
  }
  return undefined
}

/** Outside of strings a colon follows every name, and stands nowhere else. */
function namesWritten(text: string): number {
  let count = 0
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (inString && unit === backslash) at += 1
    else if (unit === quote) inString = !inString
    else if (unit === colon && !inString) count += 1
  }
  return count
}

/** With a list of its own of what is left: a text may be nested deeper than calls can be. */
function namesHeld(value: unknown): number {
  const left: unknown[] = [value]
  let count = 0
  while (left.length > 0) {
    const one = left.pop()
    if (typeof one !== 'object' || one === null) continue
    const inner = Object.values(one)
    if (!Array.isArray(one)) count += inner.length
    for (const value of inner) if (typeof value === 'object') left.push(value)
  }
  return count
}
