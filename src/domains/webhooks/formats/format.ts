import type { Event } from '../../../core/event-contract.ts'

/** One way to tell a receiver what happened: pure functions of the event. */
export type Format = {
  /** What this format calls the event; undefined when it has no word for it, so that it is not told. */
  nameOf(event: Event): string | undefined
  /** The body, with the content type it is sent as. */
  render(event: Event): { contentType: string; body: string }
  /** Names of the three headers that carry the delivery's id, its time and its signature. */
  headers: { id: string; timestamp: string; signature: string }
  /** An event as this format would tell it, for a test; undefined when it has none of that name. */
  example(name: string | undefined, at: string): Event | undefined
}
