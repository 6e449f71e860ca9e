import type { BadRow, ImportCounts } from '../import-shapes.ts'

export const nothing = (): ImportCounts => ({
  rows: 0,
  taken: 0,
  known: 0,
  corrected: 0,
  without: 0,
  ambiguous: 0,
  bad: 0,
})

/** What one look found. The waiting ones are all that there are; everything else is of the new rows. */
export type Found = {
  cursor: number
  counts: ImportCounts
  badRows: BadRow[]
  waiting: number
  nextAt: string | null
  segments: string[]
}
