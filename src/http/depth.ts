/** Deeper than anything that an honest caller sends, and far from where recursion over it would end the process's stack. */
const deepest = 100

/** Whether a parsed JSON value is nested deeper than the code that walks it should have to bear. */
export function tooDeep(value: unknown): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepest) return true
    const below: unknown[] = []
    for (const item of level)
      if (typeof item === 'object' && item !== null)
        for (const child of Object.values(item)) if (typeof child === 'object' && child !== null) below.push(child)
    level = below
  }
  return false
}
