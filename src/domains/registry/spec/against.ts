import type { Static } from 'typebox'
import { duration, object, optional } from '../../../core/contract.ts'
import { waiting } from '../../../core/duration.ts'
import { Type } from '../../../core/shapes/shapes.ts'

const Word = Type.String({
  pattern: '^(live|baseline|v?[0-9]{1,15}|alias\\.[A-Za-z0-9_-]+|golden\\..+)$',
  words: ['live', 'baseline', 'v3', 'alias.champion', 'golden.yesterday'],
  description:
    'Who must not be better by more than the margin: live, baseline, a version (v3), alias.<alias>, golden.<column> with recorded answers, or a command',
})

const Command = object({
  command: Type.Array(Type.String({ minLength: 1 }), {
    minItems: 1,
    description: 'Reads {"id", "item", "inputs"} lines, writes {"id", "answer"} for each; run without a shell',
  }),
  timeout: optional(duration('Such as 30s', { units: waiting })),
})

const Either = Type.Union([Word, Command])

/** One shape for a word and for a command, so that a mistake in either is told as one mistake. */
export const Against = { ...Command, ...Word, type: ['string', 'object'] } as unknown as typeof Either
export type Against = Static<typeof Either>
