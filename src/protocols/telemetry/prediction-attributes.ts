import type { FastifyRequest } from 'fastify'

type Attributes = Record<string, string | number | boolean>

/** Routes that answer with a prediction, in any of the protocols: by what they call, or by their address. */
export function isPrediction({ method, routeOptions }: FastifyRequest): boolean {
  const { url = '', config } = routeOptions
  if (method !== 'POST') return false
  return (
    /\.(predict|infer|invocations|score|chat|completions|embeddings)$/.test(config.cause ?? '') ||
    /(\/infer|\/invocations|:predict)$/.test(url) ||
    /^\/api\/v1\/predict\//.test(url) ||
    generative.test(url)
  )
}

const generative = /^\/v1\/(chat\/completions|completions|embeddings)$/

/** Longer answers are not read for their identifiers. */
const longest = 65_536

/** What the answer says of itself: prediction id, release, and for language models the tokens, by the GenAI conventions. */
export function answerAttributes(request: FastifyRequest, payload: unknown): Attributes {
  const route = request.routeOptions.url ?? ''
  const endpoint = nameOf(request)
  const answer = typeof payload === 'string' && payload.length <= longest ? fieldsOf(payload) : {}
  const id = answer['id']
  const release = answer['release'] ?? answer['model_version']
  return {
    ...(endpoint === undefined ? {} : { 'keel.endpoint': endpoint }),
    ...(typeof id === 'string' ? { 'keel.prediction.id': id } : {}),
    ...(typeof release === 'string' ? { 'keel.release': release } : {}),
    ...(generative.test(route) ? generativeAttributes(route, request.body, answer) : {}),
  }
}

function nameOf({ params }: FastifyRequest): string | undefined {
  const given = params as Record<string, string> | undefined
  return given?.['endpoint'] ?? given?.['model']
}

function generativeAttributes(route: string, body: unknown, answer: Record<string, unknown>): Attributes {
  const asked = typeof body === 'object' && body !== null && 'model' in body ? body.model : undefined
  const usage = (answer['usage'] ?? {}) as Record<string, unknown>
  const [input, output] = [usage['prompt_tokens'], usage['completion_tokens']]
  return {
    'gen_ai.operation.name': route.endsWith('embeddings')
      ? 'embeddings'
      : route.includes('chat')
        ? 'chat'
        : 'text_completion',
    'gen_ai.provider.name': 'evenkeel',
    ...(typeof asked === 'string' ? { 'gen_ai.request.model': asked } : {}),
    ...(typeof answer['model'] === 'string' ? { 'gen_ai.response.model': answer['model'] } : {}),
    ...(typeof input === 'number' ? { 'gen_ai.usage.input_tokens': input } : {}),
    ...(typeof output === 'number' ? { 'gen_ai.usage.output_tokens': output } : {}),
  }
}

function fieldsOf(text: string): Record<string, unknown> {
  if (!text.startsWith('{')) return {}
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    // An answer that is no JSON has no identifiers to read; it is the caller's to judge.
    return {}
  }
}
