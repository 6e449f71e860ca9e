import type { EventType } from '../../src/core/event-contract.ts'
import { events } from '../../src/events.ts'
import { code, table } from './markdown.ts'
import { fieldsOf } from './schemas.ts'

const head = `# Events

Everything that the audit log tells (\`keel events\`), and so what [webhooks](../guides/webhooks.md) may ask for by name, by \`registry.*\`
for everything below a word, or by \`*\`. Each event has \`seq\`, \`at\`, \`type\`, \`subject\` (what it is about), \`actor\`, \`cause\` and
\`data\`; the fields below are those of \`data\`. New fields may be added: a receiver passes over what it does not know. Events that an
earlier version wrote may lack a field.`

export function eventsPage(): string {
  const byDomain = Map.groupBy(Object.entries<EventType>(events), ([type]) => type.split('.')[0] ?? '')
  const domains = [...byDomain].flatMap(([domain, types]) => [
    `## ${domain}`,
    table(
      ['event', 'subject', 'when it happens'],
      types.map(([type, { subjects, when }]) => [code(type), subjects.map(code).join(' or '), when]),
    ),
    ...types.map(([type, { data }]) => fieldsOfData(type, data)),
  ])
  return [head, ...domains.filter((part) => part !== '')].join('\n\n')
}

function fieldsOfData(type: string, data: EventType['data']): string {
  const fields = fieldsOf(data)
  if (fields.length === 0) return ''
  const rows = fields.map(({ path, type, required, about }) => [code(path), type, required ? 'yes' : '', about])
  return [`### ${type}`, table(['field', 'type', 'always there', 'meaning'], rows)].join('\n\n')
}
