import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'

/** A language model of the tests' own, in OpenAI's protocol over real HTTP; it says back what it was asked, and misbehaves on demand. */
export type Llm = { url: string; asked: ReceivedRequest[]; gone: () => number; close(): Promise<void> }
export type ReceivedRequest = { path: string; headers: IncomingHttpHeaders; body: Body }
type Body = {
  model: string
  messages?: { role: string; content: string | { type: string; text?: string }[] }[]
  input?: string | string[]
  prompt?: string
  stream?: boolean
  stream_options?: { include_usage?: boolean }
  max_tokens?: number
  temperature?: number
  n?: number
}

const usage = { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 }

function wrong(text: string, body: Body, reply: ServerResponse): boolean {
  const json = (status: number, body: unknown) =>
    reply.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  if (text.includes('HANG')) return true
  if (text.includes('DIE')) reply.destroy()
  else if (text.includes('GARBAGE')) reply.writeHead(200).end('<html>secret-of-the-provider</html>')
  else if (text.includes('UNAUTHORIZED')) json(401, { error: { message: 'Incorrect key: secret-of-the-provider' } })
  else if (text.includes('BROKEN')) json(500, { error: { message: 'secret-of-the-provider' } })
  else if (text.includes('TOO LONG'))
    json(400, { error: { message: 'context length', code: 'context_length_exceeded' } })
  else if (text.includes('PLAIN') && body.stream_options)
    json(422, { error: { message: 'extra fields are not permitted: stream_options' } })
  else if (text.includes('COLD') && body.temperature !== undefined)
    json(400, { error: { message: 'only the default temperature (1) is for this model', param: 'temperature' } })
  else if (text.includes('BUSY')) json(429, { error: { message: 'slow down' } })
  else return false
  return true
}

type Answer = { content: string | null; finish: string; refusal?: string; tool_calls?: unknown[] }

/** What it says back, or what else providers answer instead. */
function answerTo(text: string): Answer {
  const call = { id: 't1', index: 0, type: 'function', function: { name: 'look_up', arguments: '{"day":"Sunday"}' } }
  if (text.includes('HALF')) return { content: text.slice(0, text.length / 2), finish: 'length' }
  if (text.includes('PONDERS')) return { content: null, finish: 'length' }
  if (text.includes('FILTERED')) return { content: null, finish: 'content_filter' }
  if (text.includes('REFUSED')) return { content: null, finish: 'stop', refusal: 'I cannot help with that.' }
  if (text.includes('CALLS')) return { content: null, finish: 'tool_calls', tool_calls: [call] }
  if (text.includes('NOTHING')) return { content: null, finish: 'stop' }
  return { content: text, finish: 'stop' }
}

function stream(text: string, body: Body, reply: ServerResponse): void {
  reply.writeHead(200, { 'content-type': 'text/event-stream' })
  const event = (data: unknown) => reply.write(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`)
  const chunk = (delta: object, index = 0, finish_reason: string | null = null) => ({
    id: 'c1',
    object: 'chat.completion.chunk',
    choices: [{ index, delta, finish_reason }],
  })
  const piece = (content: string, index = 0) => chunk({ content }, index)
  if (text.includes('ENDLESS')) {
    const more = () => {
      if (!reply.destroyed) reply.write(`data: ${JSON.stringify(piece('x'.repeat(100_000)))}\n\n`, more)
    }
    more()
    return
  }
  const { content, finish, ...more } = answerTo(text)
  const indexes = Array.from({ length: body.n ?? 1 }, (_, index) => index)
  for (const word of (content ?? '').split(/(?<= )/).filter(Boolean))
    for (const index of indexes) event(piece(index === 0 ? word : word.toLowerCase(), index))
  if (Object.keys(more).length > 0) event(chunk(more))
  if (finish !== 'stop' || indexes.length > 1) for (const index of indexes) event(chunk({}, index, finish))
  if (text.includes('SILENT')) return
  if (text.includes('CUT')) {
    setImmediate(() => reply.destroy())
    return
  }
  if (body.stream_options?.include_usage === true)
    event({ id: 'c1', object: 'chat.completion.chunk', choices: [], usage })
  event('[DONE]')
  reply.end()
}

function textOf({ messages, prompt, input }: Body): string {
  const content = messages?.at(-1)?.content ?? prompt ?? String(input)
  if (typeof content === 'string') return content
  const others = content.filter(({ type }) => type !== 'text').map(({ type }) => `[${type}]`)
  return [...content.flatMap(({ text }) => text ?? []), ...others].join(' ')
}

export async function startLlm(): Promise<Llm> {
  const asked: ReceivedRequest[] = []
  let gone = 0
  const server = createServer(async (request, reply) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Body
    const path = request.url ?? ''
    asked.push({ path, headers: request.headers, body })
    reply.once('close', () => {
      if (!reply.writableFinished) gone += 1
    })
    const text = textOf(body)
    if (wrong(text, body, reply)) return
    if (body.stream === true) {
      stream(text, body, reply)
      return
    }
    reply.writeHead(200, { 'content-type': 'application/json' })
    if (path.endsWith('/embeddings'))
      reply.end(
        JSON.stringify({
          object: 'list',
          data: [{ index: 0, embedding: [0.1, 0.2] }],
          usage: { prompt_tokens: 2, total_tokens: 2 },
        }),
      )
    else {
      const { finish, ...message } = answerTo(text)
      const choices = Array.from({ length: body.n ?? 1 }, (_, index) => {
        const content = index === 0 ? message.content : (message.content?.toLowerCase() ?? null)
        return { index, text: content, message: { role: 'assistant', ...message, content }, finish_reason: finish }
      })
      reply.end(JSON.stringify({ id: 'c1', object: 'chat.completion', model: body.model, choices, usage }))
    }
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/v1`,
    asked,
    gone: () => gone,
    async close() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}
