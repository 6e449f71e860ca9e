import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { testContext } from '../../../../test/support/context.ts'

type Request = { model: string; messages: { role: string; content: string }[] }
type Reply = string | { status: number; body: string }

/** A server of this test that speaks OpenAI's chat protocol, and a context that may call it. */
export async function withOpenAi(t: TestContext, answer: (request: Request, count: number) => Reply) {
  const requests: { request: Request; authorization: string | undefined }[] = []
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const request = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Request
      requests.push({ request, authorization: incoming.headers.authorization })
      const reply = answer(request, requests.length)
      const content = typeof reply === 'string' ? reply : ''
      outgoing.writeHead(typeof reply === 'string' ? 200 : reply.status, { 'content-type': 'application/json' })
      outgoing.end(
        typeof reply === 'string'
          ? JSON.stringify({
              choices: [{ message: { role: 'assistant', content } }],
              usage: { prompt_tokens: 10, completion_tokens: content.length },
            })
          : reply.body,
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const ctx = await testContext(t, { settings: { egress: `127.0.0.1:${port}` } })
  return { ctx, url: `http://127.0.0.1:${port}/v1`, requests }
}
