import { request } from 'node:http'

export type RawReply = { status: number; headers: Record<string, string | string[] | undefined>; text: string }

type RawRequest = { method?: string; headers?: Record<string, string>; body?: string | Buffer }

/** Sends the path as it is written: a client that tidies `..` away would test itself. */
export function raw(
  base: string,
  path: string,
  { method = 'GET', headers = {}, body }: RawRequest = {},
): Promise<RawReply> {
  const { hostname, port } = new URL(base)
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  return new Promise((resolve, reject) => {
    const sent = request(
      { hostname, port, path, method, headers: { ...length, ...headers }, agent: false },
      (reply) => {
        const chunks: Buffer[] = []
        reply.on('data', (chunk: Buffer) => chunks.push(chunk))
        reply.on('error', reject)
        reply.on('end', () =>
          resolve({
            status: reply.statusCode ?? 0,
            headers: reply.headers,
            text: Buffer.concat(chunks).toString('utf8'),
          }),
        )
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

export function rawJson(base: string, path: string, body: unknown, method = 'POST'): Promise<RawReply> {
  return raw(base, path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
}
