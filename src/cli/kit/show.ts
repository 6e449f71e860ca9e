import type { Outcome } from './command.ts'
import type { CommonOptions } from './common-options.ts'
import { colours } from './io.ts'
import { pick, pickedTable } from './output.ts'
import type { Session } from './session.ts'

/** Prints what a command found out in the form that was asked for: data to stdout, what to type next to stderr. */
export async function show(outcome: Outcome, session: Session, options: CommonOptions): Promise<void> {
  const { io, json } = session
  const fields = options.fields?.split(',').map((field) => field.trim()) ?? []
  if (options.jsonl) {
    const items = outcome.items ?? (Array.isArray(outcome.data) ? outcome.data : [outcome.data])
    for await (const item of items) io.stdout.write(`${JSON.stringify(pick(item, fields))}\n`)
    return
  }
  const data = pick(outcome.data, fields)
  if (json) {
    io.stdout.write(`${JSON.stringify(data, null, 2)}\n`)
    return
  }
  const text = fields.length > 0 ? pickedTable(data, fields) : (outcome.text ?? JSON.stringify(data, null, 2))
  if (text !== '') io.stdout.write(`${text}\n`)
  const colour = colours(io, io.stderr)
  for (const next of outcome.next ?? []) io.stderr.write(`${colour('dim', 'Next:')} ${colour('cyan', next)}\n`)
}
