type Line = { sign: ' ' | '-' | '+'; text: string }

/** The lines that turn one text into the other: a longest common subsequence, for texts that people write. */
export function changedLines(before: string, after: string): Line[] {
  const [a, b] = [before.split('\n'), after.split('\n')]
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1))
  const length = (i: number, j: number) => lengths[i]?.[j] ?? 0
  for (let i = a.length - 1; i >= 0; i--) {
    const row = lengths[i]
    for (let j = b.length - 1; j >= 0; j--)
      if (row) row[j] = a[i] === b[j] ? length(i + 1, j + 1) + 1 : Math.max(length(i + 1, j), length(i, j + 1))
  }
  const lines: Line[] = []
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ sign: ' ', text: a[i] ?? '' })
      i += 1
      j += 1
    } else if (j >= b.length || (i < a.length && length(i + 1, j) >= length(i, j + 1))) {
      lines.push({ sign: '-', text: a[i] ?? '' })
      i += 1
    } else {
      lines.push({ sign: '+', text: b[j] ?? '' })
      j += 1
    }
  }
  return lines
}
