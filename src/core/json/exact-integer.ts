const leastInteger = -(2n ** 63n)
const greatestInteger = 2n ** 64n - 1n

/** An integer that fits 64 bits, signed or unsigned: as a number where that is exact, else as a bigint. Undefined beyond. */
export function exactInteger(text: string): number | bigint | undefined {
  const value = Number(text)
  if (Number.isSafeInteger(value)) return value
  const exact = BigInt(text)
  return exact >= leastInteger && exact <= greatestInteger ? exact : undefined
}
