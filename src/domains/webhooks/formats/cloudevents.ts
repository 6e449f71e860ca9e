import { exampleEvent } from './example.ts'
import type { Format } from './format.ts'
import { standardHeaders } from './generic.ts'

/** CloudEvents 1.0, structured mode. `source` and `id` together name an event for ever. */
export const cloudevents: Format = {
  nameOf: ({ type }) => type,
  render: ({ seq, at, type, subject, actor, data }) => ({
    contentType: 'application/cloudevents+json; charset=utf-8',
    body: JSON.stringify({
      specversion: '1.0',
      id: String(seq),
      source: '/evenkeel',
      type: `evenkeel.${type}`,
      subject,
      time: at,
      datacontenttype: 'application/json',
      data: { actor, ...data },
    }),
  }),
  headers: standardHeaders,
  example: exampleEvent,
}
