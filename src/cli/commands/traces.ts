import { ListedState } from '../../domains/traces/contract.ts'
import {
  argument,
  type Command,
  count,
  defineCommand,
  moment,
  number,
  oneOf,
  table,
  text,
  withDefault,
} from '../kit/kit.ts'

export const command: Command = {
  summary: 'Traces of calls to models, prompts and tools',
  commands: {
    list: defineCommand({
      summary: 'Traces of an experiment, newest first',
      options: {
        experiment: text('default: the default experiment', 'id or name'),
        state: oneOf(ListedState, 'how it went'),
        limit: withDefault(count('how many', 'n'), 20),
      },
      async run(session, { options: { experiment, state, limit } }) {
        const client = await session.client()
        const page = await client.traces.list({
          experiment,
          state,
          limit,
        })
        const rows = page.items.map((trace) => [
          trace.id,
          moment(trace.at),
          trace.name,
          trace.state,
          trace.milliseconds === null ? null : `${number(trace.milliseconds)} ms`,
        ])
        const [first] = page.items
        return {
          data: page,
          text: table(['trace', 'at', 'name', 'state', 'took'], rows),
          next: first ? [`keel traces show ${first.id}`] : [],
        }
      },
    }),
    show: defineCommand({
      summary: 'One trace as a tree of spans, with what each took',
      args: { trace: argument() },
      async run(session, { args: { trace } }) {
        const client = await session.client()
        const found = await client.traces.get({ trace })
        return { data: found, text: tree(found.spans).join('\n') }
      },
    }),
    delete: defineCommand({
      summary: 'Delete a trace with its spans and assessments',
      args: { trace: argument() },
      async run(session, { args: { trace } }) {
        const client = await session.client()
        const { deleted } = await client.traces.remove({ trace })
        return { data: { deleted }, text: `Deleted ${trace}.` }
      },
    }),
  },
}

type Span = {
  id: string
  parent: string | null
  name: string
  type: string
  status: string
  milliseconds: number | null
}

/** Spans whose parent is not here stand at the left, like the root. */
function tree(spans: readonly Span[]): string[] {
  const known = new Set(spans.map(({ id }) => id))
  const below = (parent: string | null, depth: number): string[] =>
    spans
      .filter((span) => (parent === null ? span.parent === null || !known.has(span.parent) : span.parent === parent))
      .flatMap((span) => [line(span, depth), ...below(span.id, depth + 1)])
  return below(null, 0)
}

function line({ name, type, status, milliseconds }: Span, depth: number): string {
  const took = milliseconds === null ? 'not ended' : `${number(milliseconds)} ms`
  const kind = type === 'UNKNOWN' ? '' : ` [${type.toLowerCase()}]`
  return `${'  '.repeat(depth)}${name}${kind}  ${took}${status === 'ERROR' ? '  ERROR' : ''}`
}
