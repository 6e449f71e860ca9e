import { appender } from '../../core/background/background.ts'
import { event } from '../../core/event-contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { AsOf } from './contract.ts'

export const events = {
  'features.applied': event('features/all', 'The definitions of features were declared or changed.', {
    views: Type.Integer({ description: 'How many' }),
    services: Type.Integer({ description: 'How many' }),
  }),
  'features.training_set_created': event('training_set/<training set>', 'A training set was made.', {
    service: Type.Union([Type.String(), Type.Null()]),
    asOf: AsOf,
    rows: Type.Integer(),
    digest: Type.String(),
  }),
}

export const append = appender(events)
