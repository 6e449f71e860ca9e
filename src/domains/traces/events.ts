import { appender } from '../../core/background/background.ts'
import { event } from '../../core/event-contract.ts'
import { Type } from '../../core/shapes/shapes.ts'

export const events = {
  'traces.assessed': event('trace/<trace>', 'Somebody, or a scorer, said something about a trace.', {
    name: Type.String({ description: 'Of what was assessed, such as "correctness"' }),
    kind: Type.String({ description: 'feedback, expectation or issue' }),
  }),
  'traces.deleted': event('experiment/<id>', 'Traces of an experiment were deleted.', {
    count: Type.Integer({ description: 'How many' }),
  }),
  'traces.scorer_registered': event('scorer/<scorer>', 'A scorer got a new version.', { version: Type.Integer() }),
  'traces.scorer_deleted': event('scorer/<scorer>', 'Versions of a scorer were deleted.', {
    versions: Type.Integer({ description: 'How many' }),
  }),
  'traces.example_set_created': event('example-set/<id>', 'A set of examples was made.', { name: Type.String() }),
  'traces.example_set_deleted': event('example-set/<id>', 'A set of examples was deleted.', { name: Type.String() }),
}

export const append = appender(events)
