import { alertmanager } from './alertmanager.ts'
import { cdevents } from './cdevents.ts'
import { cloudevents } from './cloudevents.ts'
import type { Format } from './format.ts'
import { generic } from './generic.ts'
import { mlflow } from './mlflow.ts'
import { slack } from './slack.ts'

/** Add a format by one line here and one file beside it. */
export const formats = { generic, cloudevents, cdevents, mlflow, slack, alertmanager } as const satisfies Record<
  string,
  Format
>

export type FormatName = keyof typeof formats

export const formatNames = Object.keys(formats) as FormatName[]
