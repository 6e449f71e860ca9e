import type { Static } from 'typebox'
import { Name, object, oneOf, Time } from '../../core/contract.ts'
import { Type } from '../../core/shapes/shapes.ts'

export const ImportKind = oneOf(['labels', 'predictions'], { description: 'What comes by itself' })

const Count = (description: string) => Type.Integer({ description })

/** What a look at new rows came to. */
export const ImportCounts = object({
  rows: Count('New rows of the source'),
  taken: Count('Labels that were stored, or predictions that were written down'),
  known: Count('Those that were there already, with the same value or id'),
  corrected: Count('Labels that replaced another value'),
  without: Count('Rows with a label that belong to no prediction so far'),
  ambiguous: Count('Predictions whose rows contradict each other: they get no label'),
  bad: Count('Rows whose value cannot be what it should be'),
})
export type ImportCounts = Static<typeof ImportCounts>

const BadRow = object({ row: Type.Integer({ description: 'Its number in the source' }), what: Type.String() })
export type BadRow = Static<typeof BadRow>

export const Import = object({
  what: ImportKind,
  source: Type.String(),
  how: Type.String({ description: 'By which columns, in words' }),
  at: Type.Union([Time, Type.Null()], { description: 'When it was looked for last' }),
  cursor: Count('Number of the newest row that was looked at'),
  behind: Count('Rows of the source that were not looked at yet'),
  last: ImportCounts,
  all: ImportCounts,
  waiting: Count('Predictions whose row is there and does not count yet, because of `labels.after`'),
  nextAt: Type.Union([Time, Type.Null()], { description: 'When the next of them counts' }),
  badRows: Type.Array(BadRow, { description: 'The newest of them' }),
  problem: Type.Union([Type.String(), Type.Null()], { description: 'Why nothing was taken' }),
  fetched: Type.Union(
    [
      object({
        at: Time,
        bad: Count('Rows that the source could not take'),
        problem: Type.Union([Type.String(), Type.Null()]),
      }),
      Type.Null(),
    ],
    { description: 'The last look at the place of the source; null where rows are pushed' },
  ),
})
export type Import = Static<typeof Import>

export const ModelImports = object({ model: Name, imports: Type.Array(Import) })
export type ModelImports = Static<typeof ModelImports>
