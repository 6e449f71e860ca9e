export type Row = Record<string, string | number | null>

export function text(value: string | number | null | undefined): string {
  return value === null || value === undefined ? '' : String(value)
}

export function textOrNull(value: string | number | null | undefined): string | null {
  return value === null || value === undefined ? null : String(value)
}

export function pairs(rows: Row[] = []): Record<string, string> {
  return Object.fromEntries(rows.map(({ key, value }) => [text(key), text(value)]))
}

export function list(rows: Row[] = [], key: string, value: string): { key: string; value: string }[] {
  return rows.map((row) => ({ key: text(row[key]), value: text(row[value]) }))
}

export function groups(rows: Row[], name: string): Map<string, Row[]> {
  return Map.groupBy(rows, (row) => text(row[name]))
}
