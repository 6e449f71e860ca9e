/** A function of a source text: its name (of an arrow function the text before it) and the lines from its head to its closing brace. */
export type SourceFunction = { name: string; line: number; lines: number }

/**
 * The functions and block-bodied arrow functions of a TypeScript text, by counting braces. It is a scan, not a parser: strings,
 * templates, comments and regular expressions are blanked first, and the brace that opens a body is told from one of a return
 * type by what stands before it. Methods of classes and objects are not found.
 */
export function functionsOf(text: string): SourceFunction[] {
  const code = blanked(text)
  const lineOf = (index: number) => code.slice(0, index).split('\n').length
  const found: SourceFunction[] = []
  const add = (name: string, start: number, open: number) => {
    const line = lineOf(start)
    found.push({ name, line, lines: lineOf(closing(code, open)) - line + 1 })
  }
  for (const match of code.matchAll(/\bfunction\b\s*\*?\s*(\w*)/g)) {
    const parameters = code.indexOf('(', match.index + match[0].length)
    const open = bodyAfter(code, closing(code, parameters))
    if (open !== undefined) add(match[1] || 'function', match.index, open)
  }
  for (const match of code.matchAll(/=>\s*\{/g)) {
    const before = code.slice(code.lastIndexOf('\n', match.index) + 1, match.index)
    const name = /(\w+)\s*(?:=|:|\()[^=]*$/.exec(before)?.[1] ?? 'arrow'
    add(name, match.index, match.index + match[0].length - 1)
  }
  return found
}

/** The text with everything that is not code as spaces, so that positions and lines stay. */
function blanked(text: string): string {
  const literal =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|\$\{(?:[^`{}]|`(?:\\[\s\S]|[^`\\])*`|\{[^{}]*\})*\}|[^`\\])*`|(?<=(?:[(,=:?&|!{};\n]|\breturn)\s*)\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\//g
  return text.replace(literal, (part) => part.replace(/[^\n]/g, ' '))
}

/** The position of the bracket that closes the one at `open`. */
function closing(code: string, open: number): number {
  let depth = 0
  for (let index = open; index < code.length; index++) {
    if ('([{'.includes(code.charAt(index))) depth++
    if (')]}'.includes(code.charAt(index)) && --depth === 0) return index
  }
  throw new RangeError(`The bracket in line ${code.slice(0, open).split('\n').length} is not closed`)
}

/** Where the body begins behind a parameter list; undefined for an overload, which has none. */
function bodyAfter(code: string, end: number): number | undefined {
  let previous = ')'
  for (let index = end + 1; index < code.length; index++) {
    const character = code.charAt(index)
    if (/\s/.test(character)) continue
    if (character === ';' || (character === 'f' && /^function\b/.test(code.slice(index)))) return undefined
    if (character === '{' && !':|&<,(=['.includes(previous) && code.slice(0, index).trimEnd().slice(-2) !== '=>')
      return index
    if ('({['.includes(character)) index = closing(code, index)
    previous = code.charAt(index)
  }
  return undefined
}
