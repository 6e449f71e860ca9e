import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

/**
 * A model server of the tests' own, over real HTTP: it answers with the input `good`, in Open Inference v2, MLflow's or KServe's
 * form, and misbehaves when `good` is one of the numbers below. Started as a process it takes its port from the command line.
 */
export const misdeeds = { hang: 2, die: 3, garbage: 4, fail: 5, busy: 6, big: 7, short: 8, nan: 9 }

export type Scorer = { url: string; asked: ReceivedRequest[]; close(): Promise<void> }
export type ReceivedRequest = { path: string; headers: IncomingMessage['headers']; rows: number }

const wrongs: Record<number, (reply: ServerResponse) => void> = {
  [misdeeds.hang]: () => undefined,
  [misdeeds.die]: () => process.exit(7),
  [misdeeds.garbage]: (reply) => reply.writeHead(200).end('<html>'),
  [misdeeds.fail]: (reply) => reply.writeHead(500).end('{"error":"secret-of-the-upstream"}'),
  [misdeeds.busy]: (reply) => reply.writeHead(503).end(),
  [misdeeds.big]: (reply) => {
    const more = () => reply.destroyed || setImmediate(() => reply.write('x'.repeat(1_000_000), more))
    reply.writeHead(200)
    more()
  },
  [misdeeds.short]: (reply) => reply.writeHead(200).end('{"outputs":[{"data":[]}],"predictions":[]}'),
  [misdeeds.nan]: (reply) => reply.writeHead(200).end('{"outputs":[{"data":["x"]}],"predictions":["x"]}'),
}

type Body = {
  inputs?: { name: string; data: number[] }[]
  dataframe_split?: { columns: string[]; data: number[][] }
  instances?: { good: number }[]
}

function goodOf(body: Body): number[] {
  const tensor = body.inputs?.find(({ name }) => name === 'good')
  if (tensor) return tensor.data
  const split = body.dataframe_split
  if (split) return split.data.map((row) => row[split.columns.indexOf('good')] ?? 0)
  return (body.instances ?? []).map(({ good }) => good)
}

export async function startScorer(port = 0): Promise<Scorer> {
  const asked: ReceivedRequest[] = []
  const server = createServer(async (request, reply) => {
    if (request.method === 'GET') {
      reply.writeHead(200).end('{}')
      return
    }
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const good = goodOf(JSON.parse(Buffer.concat(chunks).toString('utf8')) as Body)
    asked.push({ path: request.url ?? '', headers: request.headers, rows: good.length })
    const wrong = wrongs[good[0] ?? 0]
    if (wrong) {
      wrong(reply)
      return
    }
    reply.writeHead(200, { 'content-type': 'application/json' })
    reply.end(
      JSON.stringify({
        outputs: [{ name: 'p', shape: [good.length], datatype: 'FP64', data: good }],
        predictions: good,
      }),
    )
  })
  await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening))
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  return {
    url,
    asked,
    async close() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}

if (process.argv[1] === import.meta.filename) await startScorer(Number(process.argv[2]))
