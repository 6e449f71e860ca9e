export type Value = number | string | null

/** What a model reads, by column, as numbers and texts: a yes or no is 1 or 0, and what is missing is null. */
export type Row = Record<string, Value>
