import { appender } from '../../core/background/background.ts'
import { event } from '../../core/event-contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { FormatName } from './contract.ts'

export const events = {
  'webhooks.created': event('webhook/<webhook>', 'Somebody subscribed a receiver.', {
    name: Type.String(),
    host: Type.String({ description: 'Of its address; the rest may hold a secret' }),
    events: Type.Array(Type.String(), { description: 'Names and patterns of the events that it receives' }),
    format: FormatName,
  }),
  'webhooks.updated': event('webhook/<webhook>', 'A subscription was changed.', {
    changed: Type.Array(Type.String(), { description: 'Names of the fields that were given' }),
  }),
  'webhooks.removed': event('webhook/<webhook>', 'A subscription was removed.', { name: Type.String() }),
}

export const append = appender(events)
