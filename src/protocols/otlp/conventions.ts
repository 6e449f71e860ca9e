/** Attributes that say what a span is, with what MLflow calls it: in the order in which its server asks them. */
export const conventions: readonly { key: string; types: Readonly<Record<string, string>> }[] = [
  {
    key: 'openinference.span.kind',
    types: same(
      'TOOL',
      'CHAIN',
      'LLM',
      'RETRIEVER',
      'EMBEDDING',
      'AGENT',
      'RERANKER',
      'UNKNOWN',
      'GUARDRAIL',
      'EVALUATOR',
    ),
  },
  {
    key: 'gen_ai.operation.name',
    types: {
      chat: 'CHAT_MODEL',
      create_agent: 'AGENT',
      embeddings: 'EMBEDDING',
      execute_tool: 'TOOL',
      generate_content: 'LLM',
      invoke_agent: 'AGENT',
      text_completion: 'LLM',
      response: 'LLM',
    },
  },
  {
    key: 'traceloop.span.kind',
    types: { workflow: 'WORKFLOW', task: 'TASK', agent: 'AGENT', tool: 'TOOL', unknown: 'UNKNOWN' },
  },
  {
    key: 'ai.operationId',
    types: {
      'ai.generateText': 'LLM',
      'ai.generateText.doGenerate': 'LLM',
      'ai.toolCall': 'TOOL',
      'ai.streamText': 'LLM',
      'ai.streamText.doStream': 'LLM',
      'ai.generateObject': 'LLM',
      'ai.generateObject.doGenerate': 'LLM',
      'ai.streamObject': 'LLM',
      'ai.streamObject.doStream': 'LLM',
      'ai.embed': 'EMBEDDING',
      'ai.embed.doEmbed': 'EMBEDDING',
      'ai.embedMany': 'EMBEDDING',
    },
  },
]

function same(...kinds: string[]): Record<string, string> {
  return Object.fromEntries(kinds.map((kind) => [kind, kind]))
}

export const inputKeys: readonly (string | RegExp)[] = [
  'input.value',
  'gen_ai.input.messages',
  'gen_ai.tool.call.arguments',
  'traceloop.entity.input',
  /^gen_ai\.prompt\.\d+\.content/,
  /^gen_ai\.completion\.\d+\.tool_calls\.\d+\.arguments/,
  'ai.prompt',
  'ai.toolCall.args',
  'ai.value',
  'ai.values',
  'lmnr.span.input',
  'langfuse.observation.input',
]

export const outputKeys: readonly (string | RegExp)[] = [
  'output.value',
  'gen_ai.output.messages',
  'gen_ai.tool.call.result',
  'traceloop.entity.output',
  /^gen_ai\.completion\.\d+\.content/,
  'ai.response.text',
  'ai.toolCall.result',
  'ai.response.object',
  'ai.embedding',
  'ai.embeddings',
  'lmnr.span.output',
  'langfuse.observation.output',
]

export const modelKeys: readonly string[] = [
  'llm.response.model_name',
  'llm.model_name',
  'llm.request.model_name',
  'embedding.model_name',
  'gen_ai.response.model',
  'gen_ai.request.model',
]

export const providerKeys: readonly string[] = ['llm.provider', 'gen_ai.provider.name', 'gen_ai.system']
