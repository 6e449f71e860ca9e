// Writes protocol buffers by hand: a message is the concatenation of its fields (https://protobuf.dev/programming-guides/encoding/).

export type Field = Uint8Array

/** A whole number >= 0: int64, int32 and enum fields. */
export function integer(field: number, value: number): Field {
  return Uint8Array.from([...varint(field * 8), ...varint(value)])
}

export function text(field: number, value: string): Field {
  return bytes(field, new TextEncoder().encode(value))
}

export function message(field: number, ...content: Field[]): Field {
  return bytes(field, concat(content))
}

export function bytes(field: number, value: Uint8Array): Field {
  return concat([Uint8Array.from([...varint(field * 8 + 2), ...varint(value.length)]), value])
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

function varint(value: number): number[] {
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`Not a whole number from 0: ${value}`)
  const digits: number[] = []
  let rest = value
  while (rest >= 128) {
    digits.push((rest % 128) + 128)
    rest = Math.floor(rest / 128)
  }
  return [...digits, rest]
}
