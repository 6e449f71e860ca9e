import { exampleEvent } from './example.ts'
import type { Format } from './format.ts'

/** Header names of the Standard Webhooks convention, for which receivers have libraries in most languages. */
export const standardHeaders = { id: 'webhook-id', timestamp: 'webhook-timestamp', signature: 'webhook-signature' }

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
