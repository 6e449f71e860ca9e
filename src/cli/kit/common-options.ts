import { flag, text, type Values } from './parameters.ts'

/** What every command takes. */
export const commonOptions = {
  json: flag('print JSON'),
  jsonl: flag('print JSON, one line for each item'),
  fields: text('only these fields, such as name,metrics.auc', 'names'),
  project: text('the project (default: the nearest keel.yaml)', 'folder'),
  data: text('the data folder', 'folder'),
  server: text('the server to talk to', 'url'),
  token: text('the token that says who you are', 'token'),
  debug: flag('show where an error comes from'),
}
export type CommonOptions = Values<typeof commonOptions>
