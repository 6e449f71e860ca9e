import type { Event } from '../../../core/work/work.ts'
import { alertmanager } from './alertmanager.ts'
import { cdevents } from './cdevents.ts'
import { cloudevents } from './cloudevents.ts'
import { generic } from './generic.ts'
import { mlflow } from './mlflow.ts'
import { slack } from './slack.ts'

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

/** Add a format by one line here and one file in `formats/`. */
export const formats = { generic, cloudevents, cdevents, mlflow, slack, alertmanager } as const satisfies Record<
  string,
  Format
>

export type FormatName = keyof typeof formats

export const formatNames: ['generic', 'cloudevents', 'cdevents', 'mlflow', 'slack', 'alertmanager'] = [
  'generic',
  'cloudevents',
  'cdevents',
  'mlflow',
  'slack',
  'alertmanager',
]
