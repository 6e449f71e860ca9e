import type { Client } from '../../client/client.ts'
import type { Api } from '../../contract.ts'
import { day } from '../../core/duration.ts'
import { isoOf, millisecondsOf, openTable, parseIsoTime } from '../../core/tables/tables.ts'
import type { Session } from '../kit/kit.ts'

const types = new Map([
  ['departs', 'time'],
  ['known_at', 'time'],
] as const)

type Flight = { row: Record<string, unknown>; id: string; departs: number; knownAt: number }

export type Replay = {
  /** Lives through the flights until the given time: departures ask the endpoint, arrivals become rows and labels. */
  until(time: string): Promise<void>
  readonly requests: number
}

const stepMilliseconds = 15 * 60_000
const parallel = 8
const model = 'flight-delay'
const source = 'flights'

/** Replays flights through the real doors, a quarter of an hour at a time: nothing here knows what comes next. */
export async function createReplay(session: Session, client: Client<Api>, path: string, from: string): Promise<Replay> {
  const flights = await readFlights(path)
  const departing = flights
    .filter(({ departs }) => departs >= millisecondsOf(from))
    .sort((a, b) => a.departs - b.departs)
  const arriving = flights
    .filter(({ knownAt }) => knownAt >= millisecondsOf(from))
    .sort((a, b) => a.knownAt - b.knownAt)
  let now = millisecondsOf(from)
  let departed = 0
  let arrived = 0
  let requests = 0
  const asked = new Set<string>()

  async function step(time: number): Promise<void> {
    await client.system.advanceClock({ to: isoOf(time) })
    const landed: Flight[] = []
    for (let next = arriving[arrived]; next && next.knownAt <= time; next = arriving[arrived]) {
      landed.push(next)
      arrived += 1
    }
    if (landed.length > 0) await client.datasets.append({ source, rows: landed.map(({ row }) => row) })
    const labels = landed.filter(({ id }) => asked.has(id)).map(({ id, row }) => ({ id, value: Number(row['late']) }))
    if (labels.length > 0) await client.serving.label({ endpoint: model, labels })
    const leaving: Flight[] = []
    for (let next = departing[departed]; next && next.departs <= time; next = departing[departed]) {
      leaving.push(next)
      departed += 1
    }
    for (let at = 0; at < leaving.length; at += parallel) await Promise.all(leaving.slice(at, at + parallel).map(ask))
  }

  async function ask({ id, row }: Flight): Promise<void> {
    const { hour, weekday, distance, origin, destination } = row
    await client.serving.predict({ endpoint: model, id, inputs: { hour, weekday, distance, origin, destination } })
    asked.add(id)
    requests += 1
  }

  /** The next quarter of an hour at which a flight leaves or lands; empty ones are skipped. */
  function nextInstant(): number {
    const next = Math.min(
      departing[departed]?.departs ?? Number.POSITIVE_INFINITY,
      arriving[arrived]?.knownAt ?? Number.POSITIVE_INFINITY,
    )
    return Math.ceil(next / stepMilliseconds) * stepMilliseconds
  }

  return {
    get requests() {
      return requests
    },
    async until(time) {
      const end = millisecondsOf(time)
      const begin = now
      const progress = session.progress(`Replaying to ${time.slice(0, 10)}`)
      const total = Math.max(1, Math.round((end - begin) / day))
      try {
        for (let next = nextInstant(); next < end; next = nextInstant()) {
          await step(next)
          now = next
          progress.update(Math.floor((now - begin) / day), total, `${isoOf(now).slice(0, 10)}  ${requests} requests`)
        }
        await step(end)
        now = end
      } finally {
        progress.end()
      }
    },
  }
}

async function readFlights(path: string): Promise<Flight[]> {
  const table = await openTable(path, { types })
  const flights: Flight[] = []
  for await (const rows of table.read())
    for (const row of rows) {
      const [departs = 0, knownAt = 0] = [row['departs'], row['known_at']].map((time) => parseIsoTime(String(time)))
      flights.push({ row, id: String(row['id']), departs, knownAt })
    }
  return flights
}
