import type { FastifyReply, FastifyRequest } from 'fastify'

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

export const idHeader = 'x-keel-prediction-id'
export const releaseHeader = 'x-keel-release'

/** Longer answers are not read for their identifiers. */
const longest = 65_536

/** What the answer says of itself: prediction id and release, and for language models who was asked, by the GenAI conventions. */
export function answerAttributes(request: FastifyRequest, reply: FastifyReply, payload: unknown): Attributes {
  const route = request.routeOptions.url ?? ''
  const endpoint = nameOf(request)
  const answer = fieldsOf(payload)
  const id = reply.getHeader(idHeader) ?? answer['id']
  const release = reply.getHeader(releaseHeader) ?? answer['release'] ?? answer['model_version']
  return {
    ...(endpoint === undefined ? {} : { 'keel.endpoint': endpoint }),
    ...(typeof id === 'string' ? { 'keel.prediction.id': id } : {}),
    ...(typeof release === 'string' ? { 'keel.release': release } : {}),
    ...(generative.test(route) ? generativeAttributes(route, request.body, answer) : {}),
  }
}

function nameOf({ params, routeOptions, body }: FastifyRequest): string | undefined {
  const given = params as Record<string, string> | undefined
  return (
    given?.['endpoint'] ?? given?.['model'] ?? (generative.test(routeOptions.url ?? '') ? askedFor(body) : undefined)
  )
}

function askedFor(body: unknown): string | undefined {
  const asked = typeof body === 'object' && body !== null && 'model' in body ? body.model : undefined
  return typeof asked === 'string' ? asked : undefined
}

function generativeAttributes(route: string, body: unknown, answer: Record<string, unknown>): Attributes {
  const asked = askedFor(body)
  return {
    'gen_ai.operation.name': route.endsWith('embeddings')
      ? 'embeddings'
      : route.includes('chat')
        ? 'chat'
        : 'text_completion',
    'gen_ai.provider.name': 'evenkeel',
    ...(asked !== undefined ? { 'gen_ai.request.model': asked } : {}),
    ...(typeof answer['model'] === 'string' ? { 'gen_ai.response.model': answer['model'] } : {}),
  }
}

type Usage = { tokens: { input: number; output: number } | null; firstTokenMs: number | null }

/** What the provider counted, and when the first piece of a stream's text came. */
export function usageAttributes({ tokens, firstTokenMs }: Usage): Attributes {
  const counted = {
    'gen_ai.usage.input_tokens': tokens?.input,
    'gen_ai.usage.output_tokens': tokens?.output,
    'keel.first_token_seconds': firstTokenMs === null ? undefined : firstTokenMs / 1_000,
  }
  return Object.fromEntries(
    Object.entries(counted).flatMap(([name, value]) =>
      value !== undefined && Number.isFinite(value) ? [[name, value]] : [],
    ),
  )
}

function fieldsOf(payload: unknown): Record<string, unknown> {
  const isBytes = Buffer.isBuffer(payload)
  if (!(isBytes || typeof payload === 'string') || payload.length > longest) return {}
  const text = isBytes ? payload.toString('utf8') : payload
  if (!text.startsWith('{')) return {}
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    // An answer that is no JSON has no identifiers to read; it is the caller's to judge.
    return {}
  }
}
