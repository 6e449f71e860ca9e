import type { DataOf, Event, Events } from '../../../core/event-contract.ts'

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

/** An event of ours as it could happen to a model. */
export type Example<E extends Events> = { [Type in keyof E]: { type: Type; data: DataOf<E[Type]> } }[keyof E]

export function exampleOf({ type, data }: { type: string; data: object }, at: string): Event {
  return { ...exampleEvent(type, at), subject: 'model/example', data: { ...data } }
}
