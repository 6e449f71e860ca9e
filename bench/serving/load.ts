import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Connection, openConnection, request } from '../mlflow/load.ts'

/** What to ask, and how: as fast as some connections get through, or at a steady pace whatever the answers take. */
export type Order = {
  port: number
  path: string
  bodies: unknown[]
  seconds: number
  pace: { connections: number } | { perSecond: number }
}

export type Measured = {
  answers: number
  failed: number
  perSecond: number
  /** Of each answer, from sending to the last byte, sorted. */
  p50: number
  p99: number
  highest: number
}

const maxConnections = 256

/** Orders come in as JSON lines; what was measured goes out as one line each. */
process.stdout.write('ready\n')
for await (const line of createInterface({ input: process.stdin })) {
  const measured = await carryOut(JSON.parse(line) as Order)
  process.stdout.write(`${JSON.stringify(measured)}\n`)
}

async function carryOut({ port, path, bodies, seconds, pace }: Order): Promise<Measured> {
  const requests = bodies.map((body) => request('POST', path, body))
  const milliseconds: number[] = []
  let failed = 0

  async function ask(connection: Connection, index: number): Promise<void> {
    const sent = performance.now()
    const { status } = await connection.send(requests[index % requests.length] ?? Buffer.alloc(0))
    milliseconds.push(performance.now() - sent)
    if (status !== 200) failed += 1
  }

  const took =
    'connections' in pace ? await flood(port, pace.connections, seconds, ask) : await steady(port, pace, seconds, ask)
  milliseconds.sort((a, b) => a - b)
  const quantile = (share: number) => milliseconds[Math.ceil(share * milliseconds.length) - 1] ?? Number.NaN
  return {
    answers: milliseconds.length,
    failed,
    perSecond: milliseconds.length / took,
    p50: quantile(0.5),
    p99: quantile(0.99),
    highest: quantile(1),
  }
}

type Ask = (connection: Connection, index: number) => Promise<void>

async function flood(port: number, count: number, seconds: number, ask: Ask): Promise<number> {
  const connections = await Promise.all(Array.from({ length: count }, () => openConnection(port)))
  const began = performance.now()
  const until = began + seconds * 1_000
  let index = 0
  await Promise.all(
    connections.map(async (connection) => {
      while (performance.now() < until) await ask(connection, index++)
    }),
  )
  const took = (performance.now() - began) / 1_000
  for (const connection of connections) connection.close()
  return took
}

/** A request that finds every connection busy opens another, so that slow answers hold back nobody. */
async function steady(port: number, { perSecond }: { perSecond: number }, seconds: number, ask: Ask): Promise<number> {
  const total = perSecond * seconds
  const free = await Promise.all(Array.from({ length: 32 }, () => openConnection(port)))
  let open = free.length
  const waiting = new Set<Promise<void>>()

  async function once(index: number): Promise<void> {
    const connection = free.pop() ?? (await another())
    await ask(connection, index)
    free.push(connection)
  }

  function another(): Promise<Connection> {
    open += 1
    if (open > maxConnections) throw new Error(`The server leaves more than ${maxConnections} requests waiting.`)
    return openConnection(port)
  }

  const began = performance.now()
  for (let asked = 0; asked < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - began) / 1_000) * perSecond))
    for (; asked < due; asked++) {
      const one = once(asked).finally(() => waiting.delete(one))
      waiting.add(one)
    }
    await sleep(1)
  }
  await Promise.all(waiting)
  const took = (performance.now() - began) / 1_000
  for (const connection of free) connection.close()
  return took
}
