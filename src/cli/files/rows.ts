import { openTable, type Row, type Table, type TableOptions } from '../../core/tables/tables.ts'

/** Whoever tells people what was found in a file. */
export type Say = (line: string) => void

/** A file of rows whose findings (separator, guessed types) are told once. */
export async function openRows(path: string, options: TableOptions & { shown: string }, say: Say): Promise<Table> {
  const table = await openTable(path, options)
  for (const note of table.notes) say(`${options.shown}: ${note}`)
  return table
}

export async function allRows(table: Table): Promise<Row[]> {
  const rows: Row[] = []
  for await (const batch of table.read()) rows.push(...batch)
  return rows
}
