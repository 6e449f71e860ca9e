const letters: Record<string, string> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

/** The text of a protocol 0 string: without its quotes, with Python's escapes for bytes decoded (`po\x73ix` is `posix`). */
export function unescapeQuoted(line: string): string {
  const inner = line.replace(/^(['"])(.*)\1\s*$/s, '$2')
  return inner.replace(/\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|(.))/gs, (whole, hex, octal, other) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 255)
    return letters[other] ?? (`\\'"`.includes(other) ? other : whole)
  })
}

/** The text of a protocol 0 unicode string, where only `\u` and `\U` mean something else. */
export function unescapeUnicode(line: string): string {
  return line.replace(/\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/g, (whole, short, long) => {
    const point = Number.parseInt(short ?? long, 16)
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole
  })
}
