import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Attribute, summarize } from './spans.ts'

const span = (spanId: string, parentSpanId: string | undefined, tokens: Record<string, number>) => ({
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId,
  ...(parentSpanId === undefined ? {} : { parentSpanId }),
  name: spanId,
  startTimeUnixNano: '1770000000000000000',
  attributes: Object.entries(tokens).map(([key, value]): Attribute => ({ key, value: { intValue: String(value) } })),
})

const names = [
  ['gen_ai.usage.input_tokens', 'gen_ai.usage.output_tokens'],
  ['gen_ai.usage.prompt_tokens', 'gen_ai.usage.completion_tokens'],
  ['llm.token_count.prompt', 'llm.token_count.completion'],
] as const

for (const [input, output] of names) {
  test(`each call is counted once, and the total is input and output together (${input})`, () => {
    const tokens = (n: number) => ({ [input]: 10 * n, [output]: n })
    const agent = span('agent', undefined, tokens(30))
    const within = [span('first', 'agent', tokens(10)), span('tool', 'agent', {}), span('second', 'tool', tokens(20))]
    const expected = { input_tokens: 300, output_tokens: 30, total_tokens: 330 }
    assert.deepEqual(summarize([agent, ...within]).usage, expected)
    assert.deepEqual(summarize([span('agent', undefined, {}), ...within]).usage, expected)
  })
}
