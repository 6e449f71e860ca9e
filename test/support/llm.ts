import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'

/** A language model of the tests' own, in OpenAI's protocol over real HTTP; it says back what it was asked, and misbehaves on demand. */
export type Llm = { url: string; asked: ReceivedRequest[]; gone: () => number; close(): Promise<void> }
export type ReceivedRequest = { path: string; headers: IncomingHttpHeaders; body: Body }
type Body = {
  model: string
  messages?: { role: string; content: string }[]
  input?: string | string[]
  prompt?: string
  stream?: boolean
  stream_options?: { include_usage?: boolean }
  max_tokens?: number
}

const usage = { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 }

function wrong(text: string, reply: ServerResponse): boolean {
  const json = (status: number, body: unknown) =>
    reply.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  if (text.includes('HANG')) return true
  if (text.includes('DIE')) reply.destroy()
  else if (text.includes('GARBAGE')) reply.writeHead(200).end('<html>secret-of-the-provider</html>')
  else if (text.includes('UNAUTHORIZED')) json(401, { error: { message: 'Incorrect key: secret-of-the-provider' } })
  else if (text.includes('BROKEN')) json(500, { error: { message: 'secret-of-the-provider' } })
  else if (text.includes('TOO LONG'))
    json(400, { error: { message: 'context length', code: 'context_length_exceeded' } })
  else if (text.includes('BUSY')) json(429, { error: { message: 'slow down' } })
  else return false
  return true
}

function stream(text: string, body: Body, reply: ServerResponse): void {
  reply.writeHead(200, { 'content-type': 'text/event-stream' })
  const event = (data: unknown) => reply.write(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`)
  const piece = (content: string) => ({
    id: 'c1',
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta: { content } }],
  })
  if (text.includes('ENDLESS')) {
    const more = () => {
      if (!reply.destroyed) reply.write(`data: ${JSON.stringify(piece('x'.repeat(100_000)))}\n\n`, more)
    }
    more()
    return
  }
  for (const word of text.split(/(?<= )/)) event(piece(word))
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
    const text = body.messages?.at(-1)?.content ?? body.prompt ?? String(body.input)
    if (wrong(text, reply)) return
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
    else
      reply.end(
        JSON.stringify({
          id: 'c1',
          object: 'chat.completion',
          model: body.model,
          choices: [{ index: 0, text, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
          usage,
        }),
      )
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
