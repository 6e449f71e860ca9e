import { connect } from 'node:net'

export type Answer = { status: number; body: Buffer }

export type Connection = {
  /** Sends one request and waits for its answer; one at a time. */
  send(request: Buffer): Promise<Answer>
  close(): void
}

export function request(method: 'GET' | 'POST', path: string, body?: unknown): Buffer {
  const text = body === undefined ? '' : JSON.stringify(body)
  const about =
    body === undefined ? '' : `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n`
  return Buffer.from(`${method} ${path} HTTP/1.1\r\nhost: localhost\r\n${about}\r\n${text}`)
}

/** HTTP over a kept socket, with as little work as possible: the load must not compete with the servers that it measures. */
export async function openConnection(port: number): Promise<Connection> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  let parts: Buffer[] = []
  let waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined

  const fail = (error: Error) => {
    waiting?.reject(error)
    waiting = undefined
  }
  socket.on('error', fail)
  socket.on('close', () => fail(new Error('The server closed the connection.')))
  socket.on('data', (chunk) => {
    parts.push(chunk)
    const all = parts.length === 1 ? chunk : Buffer.concat(parts)
    parts = [all]
    const answer = parseAnswer(all)
    if (!answer) return
    parts = []
    const { resolve } = waiting ?? {}
    waiting = undefined
    resolve?.(answer)
  })
  return {
    send(bytes) {
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject }
        socket.write(bytes)
      })
    },
    close: () => socket.destroy(),
  }
}

function parseAnswer(bytes: Buffer): Answer | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = bytes.toString('latin1', 0, end)
  const status = Number(head.slice(9, 12))
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)
  if (length) {
    const size = Number(length[1])
    return bytes.length < end + 4 + size ? undefined : { status, body: bytes.subarray(end + 4, end + 4 + size) }
  }
  return parseChunks(bytes, end + 4, status)
}

function parseChunks(bytes: Buffer, start: number, status: number): Answer | undefined {
  const chunks: Buffer[] = []
  for (let at = start; ; ) {
    const line = bytes.indexOf('\r\n', at)
    if (line < 0) return undefined
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16)
    if (bytes.length < line + 2 + size + 2) return undefined
    if (size === 0) return { status, body: Buffer.concat(chunks) }
    chunks.push(bytes.subarray(line + 2, line + 2 + size))
    at = line + 2 + size + 2
  }
}

/** Milliseconds that one call takes, of calls made one after the other. A call that fails counts as such. */
export async function timed(
  connection: Connection,
  requests: Iterable<Buffer>,
): Promise<{ milliseconds: number[]; failed: number }> {
  const milliseconds: number[] = []
  let failed = 0
  for (const bytes of requests) {
    const started = performance.now()
    const { status } = await connection.send(bytes)
    milliseconds.push(performance.now() - started)
    if (status !== 200) failed += 1
  }
  return { milliseconds, failed }
}

/** Calls per second that some connections together get through. */
export async function rate(
  connections: Connection[],
  seconds: number,
  next: (connection: number, call: number) => Buffer,
): Promise<{ perSecond: number; failed: number }> {
  const started = performance.now()
  const until = started + seconds * 1000
  let done = 0
  let failed = 0
  await Promise.all(
    connections.map(async (connection, index) => {
      for (let call = 0; performance.now() < until; call++) {
        const { status } = await connection.send(next(index, call))
        done += 1
        if (status !== 200) failed += 1
      }
    }),
  )
  return { perSecond: (done * 1000) / (performance.now() - started), failed }
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low = Number.NaN, high = Number.NaN] = [sorted[middle - 1], sorted[middle]]
  return sorted.length % 2 === 0 ? (low + high) / 2 : high
}
