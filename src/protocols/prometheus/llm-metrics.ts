import { Counter, type Registry } from 'prom-client'
import * as serving from '../../domains/serving/serving.ts'

/** What language models counted, cost, and how soon their streams began; the function adds one release's. */
export function llmMetrics(registry: Registry): (release: string, counts: serving.Counters) => void {
  const counter = (name: string, help: string, labels: string[] = []) =>
    new Counter({ name: `keel_llm_${name}`, help, labelNames: ['release', ...labels], registers: [registry] })
  const tokens = counter('tokens_total', 'Tokens of language models; estimated where the provider did not count', [
    'kind',
  ])
  const cost = counter('cost_total', "What these tokens cost, in the price table's currency", [])
  const within = counter('first_token_seconds_bucket', 'Streams by seconds to the first piece of text', ['le'])
  const seconds = counter(
    'first_token_seconds_sum',
    'Seconds that callers of streams waited for the first piece of text',
  )
  const streams = counter('first_token_seconds_count', 'Streams with at least one piece of text')
  return (release, counts) => {
    if (counts.tokens.input + counts.tokens.output === 0) return
    for (const kind of ['input', 'output'] as const) tokens.inc({ release, kind }, counts.tokens[kind])
    cost.inc({ release }, counts.cost)
    const { firstToken } = counts
    for (const [index, bound] of serving.firstTokenBounds.entries())
      within.inc({ release, le: String(bound) }, firstToken.within[index] ?? 0)
    within.inc({ release, le: '+Inf' }, firstToken.streams)
    seconds.inc({ release }, firstToken.seconds)
    streams.inc({ release }, firstToken.streams)
  }
}
