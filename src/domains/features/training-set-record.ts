import type { TrainingSetRecord } from './store.ts'

export type { TrainingSetRecord }

/** What a training set that was not joined here holds for what it does not have: its columns were made for sets that do. */
export const madeElsewhere = {
  service: '',
  as_of: 'known',
  source: '',
  from_time: '',
  to_time: '',
  upto_seq: 0,
  sources: [],
} satisfies Partial<TrainingSetRecord>

/** Null for what the set does not have. */
export const orNull = (text: string): string | null => (text === '' ? null : text)
