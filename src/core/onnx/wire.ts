/** One field of a protocol buffer: its number, its wire type, its own bytes, and where its content lies. */
export type WireField = { number: number; wire: number; whole: Uint8Array; content: Uint8Array; value: bigint }

/** Reads the fields of a message one after another, without knowing its schema (https://protobuf.dev/programming-guides/encoding/). */
export function* fieldsIn(message: Uint8Array): Generator<WireField> {
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at]
      if (byte === undefined) throw new RangeError('The message ends within a number.')
      at += 1
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }
  while (at < message.length) {
    const start = at
    const key = varint()
    const wire = Number(key & 7n)
    let value = 0n
    if (wire === 0) value = varint()
    const length = wire === 2 ? Number(varint()) : wire === 1 ? 8 : wire === 5 ? 4 : 0
    const content = message.subarray(at, at + length)
    if (content.length < length) throw new RangeError('The message ends within a field.')
    at += length
    yield { number: Number(key >> 3n), wire, whole: message.subarray(start, at), content, value }
  }
}

/** A field of bytes: a text, or a message. */
export function bytesField(number: number, content: Uint8Array): Uint8Array {
  return Buffer.concat([varintOf(number * 8 + 2), varintOf(content.length), content])
}

export function textField(number: number, text: string): Uint8Array {
  return bytesField(number, Buffer.from(text))
}

export function integerField(number: number, value: number): Uint8Array {
  return Buffer.concat([varintOf(number * 8), varintOf(value)])
}

function varintOf(value: number): Uint8Array {
  const digits: number[] = []
  let rest = value
  while (rest >= 128) {
    digits.push((rest % 128) + 128)
    rest = Math.floor(rest / 128)
  }
  return Uint8Array.from([...digits, rest])
}

/** Repeated whole numbers, each a field of its own or packed into one. */
export function integersOf({ wire, content, value }: WireField): bigint[] {
  if (wire === 0) return [BigInt.asIntN(64, value)]
  const found: bigint[] = []
  let number = 0n
  let shift = 0n
  for (const byte of content) {
    number |= BigInt(byte & 127) << shift
    shift += 7n
    if (byte >= 128) continue
    found.push(BigInt.asIntN(64, number))
    number = 0n
    shift = 0n
  }
  return found
}
