/** What a caller sends: one value per input, by name; null is a missing value. */
export type Row = Record<string, number | string | null>

/** An input of the model, and how it becomes one or several columns of numbers. */
export type Input =
  | { name: string; kind: 'number' }
  | { name: string; kind: 'category'; categories: number[] }
  | { name: string; kind: 'text'; categories: string[] }

type Wish = { features: readonly string[]; categorical: readonly string[] }

/** A category of numbers only is sent as a number, any other as text. Categories are those seen in training, sorted. */
export function learnInputs(rows: readonly Row[], { features, categorical }: Wish): Input[] {
  return features.map((name): Input => {
    if (!categorical.includes(name)) {
      const text = rows.find((row) => typeof row[name] === 'string')
      if (text) throw new Error(`"${name}" holds the text "${text[name]}": name it under --categorical.`)
      return { name, kind: 'number' }
    }
    const seen = [...new Set(rows.map((row) => row[name] ?? null))].filter((value) => value !== null)
    const numbers = seen.filter((value) => typeof value === 'number')
    return numbers.length === seen.length
      ? { name, kind: 'category', categories: numbers.sort((a, b) => a - b) }
      : { name, kind: 'text', categories: seen.map(String).sort() }
  })
}

/** One column per number, one per category: `distance`, `origin=ORD`. */
export function columnNames(inputs: readonly Input[]): string[] {
  return inputs.flatMap((input) =>
    input.kind === 'number' ? [input.name] : input.categories.map((category) => `${input.name}=${category}`),
  )
}

/** A missing number is NaN; a missing or unknown category is 0 in all of its columns. */
export function encode(inputs: readonly Input[], row: Row): Float64Array {
  return Float64Array.from(
    inputs.flatMap((input) => {
      const value = row[input.name] ?? null
      if (input.kind === 'number') return [typeof value === 'number' ? value : Number.NaN]
      return input.categories.map((category) => (category === value ? 1 : 0))
    }),
  )
}
