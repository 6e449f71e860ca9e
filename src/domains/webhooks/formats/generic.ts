import type { Event } from '../../../core/work/work.ts'
import type { Format } from './format.ts'

/** Header names of the Standard Webhooks convention, for which receivers have libraries in most languages. */
export const standardHeaders = { id: 'webhook-id', timestamp: 'webhook-timestamp', signature: 'webhook-signature' }

/** The one event that is made up: what a test sends when nothing else is asked for. */
export function exampleEvent(type: string | undefined, at: string): Event {
  return {
    seq: 0,
    at,
    type: type ?? 'webhooks.test',
    subject: 'webhook/test',
    actor: 'keel',
    cause: 'webhooks.test',
    data: {},
  }
}

/** Our own events as they are in the audit log. */
export const generic: Format = {
  nameOf: ({ type }) => type,
  render: ({ seq, at, type, subject, actor, data }) => ({
    contentType: 'application/json',
    body: JSON.stringify({ type, timestamp: at, subject, actor, seq, data }),
  }),
  headers: standardHeaders,
  example: exampleEvent,
}
