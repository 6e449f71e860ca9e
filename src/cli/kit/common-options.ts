/** What every command takes: flags and help. */
export const commonOptions: [string, string][] = [
  ['--json', 'print JSON'],
  ['--jsonl', 'print JSON, one line for each item'],
  ['--fields <names>', 'only these fields, such as name,metrics.auc'],
  ['--project <folder>', 'the project (default: the nearest keel.yaml)'],
  ['--data <folder>', 'the data folder'],
  ['--server <url>', 'the server to talk to'],
  ['--token <token>', 'who you are to it'],
  ['--debug', 'show where an error comes from'],
]
