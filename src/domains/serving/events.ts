import { appender } from '../../core/background/background.ts'
import { object, optional, Time } from '../../core/contract.ts'
import { event } from '../../core/event-contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { Routing } from './contract.ts'
import { ImportKind } from './import-shapes.ts'

const Target = { release: Type.String(), version: Type.Integer() }

export const events = {
  'serving.routing_changed': event(
    'model/<model>',
    'Another release answers, or a share of the traffic moved.',
    Routing.properties,
  ),
  'serving.predictions_recorded': event('model/<model>', 'Predictions of a service of its own were written down.', {
    count: Type.Integer({ description: 'How many' }),
    from: Time,
    to: Time,
    releases: Type.Array(Type.String(), { description: 'Who made them, the first hundred' }),
    seen: optional(
      Type.Array(
        object({ name: Type.String(), version: Type.Integer(), count: Type.Integer(), from: Time, to: Time }),
        {
          description: 'Each name that the caller gave: how many, of which version, from when to when',
        },
      ),
    ),
  }),
  'serving.import_failed': event('model/<model>', 'Labels or predictions could not be taken from their source.', {
    what: ImportKind,
    problem: Type.String({ description: 'Why, in words' }),
  }),
  'serving.import_recovered': event('model/<model>', 'Labels or predictions come from their source again.', {
    what: ImportKind,
  }),
  'serving.log_lost': event('model/<model>', 'Predictions were answered but could not be written to the log.', {
    count: Type.Integer({ description: 'How many' }),
    from: Time,
    to: Time,
  }),
  'serving.release_not_started': event(
    'model/<model>',
    'A release that was to answer could not be started; another stands in for it where one can, and it is tried again.',
    { ...Target, reason: Type.String({ description: 'Why' }) },
  ),
  'serving.release_started': event('model/<model>', 'A release that could not be started answers now.', Target),
  'serving.log_gap': event('server/log', 'The server before this one ended without writing its last predictions.', {
    after: Type.String({ description: 'When it last wrote' }),
    seconds: Type.Number(),
    predictionsAtMost: Type.Integer(),
  }),
}

export const append = appender(events)
