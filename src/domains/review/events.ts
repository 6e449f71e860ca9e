import { appender } from '../../core/background/background.ts'
import { event } from '../../core/event-contract.ts'
import { Type } from '../../core/shapes/shapes.ts'

const Failure = Type.String({ description: 'The failure group' })

export const events = {
  'review.decided': event(['model/<model>', 'project/all'], 'Somebody wrote a decision down.', {
    decision: Type.String({ description: 'Its id' }),
    what: Type.String(),
    reason: Type.String(),
  }),
  'review.failure_coded': event('model/<model>', 'Somebody said what a group of failures comes from.', {
    failure: Failure,
    code: Type.String({ description: 'The root cause' }),
    shouldHaveCaught: Type.Union([Type.String(), Type.Null()], { description: 'The guardrail that missed it' }),
  }),
  'review.golden_extended': event('model/<model>', 'Examples of failures went into the golden set.', {
    failure: Failure,
    added: Type.Integer({ description: 'How many' }),
    version: Type.Integer({ description: 'Of the golden set' }),
  }),
}

export const append = appender(events)
