import { setTimeout as sleep } from 'node:timers/promises'
import { median } from '../mlflow/load.ts'
import type { Measured, Order } from './load.ts'
import type { Load } from './processes.ts'

export type Side = Pick<Order, 'port' | 'path' | 'bodies'>

/** One row of the table: what was measured on both sides, and what follows from it. */
export type Row = { name: string; measured: string; result: string; target: string; met: boolean | null }
export type Measurement = { row: Row; numbers: Record<string, number>; failed: number }

const connections = 16
const rest = 1_200

type Rounds = { load: Load; rounds: number; seconds: number }

/**
 * Asks both sides in turns, and the other way round in every second round, so that what else the machine does hits both.
 * Between them there is time to write down what the side before has logged.
 */
async function inTurns(
  { load, rounds, seconds }: Rounds,
  sides: readonly Side[],
  pace: Order['pace'],
): Promise<Measured[][]> {
  const found: Measured[][] = sides.map(() => [])
  for (const side of sides) await load.measure({ ...side, seconds: Math.min(seconds, 2), pace })
  for (let round = 0; round < rounds; round++) {
    const order = [...sides.entries()]
    for (const [index, side] of round % 2 === 0 ? order : order.reverse()) {
      await sleep(rest)
      found[index]?.push(await load.measure({ ...side, seconds, pace }))
    }
  }
  return found
}

const of = (measured: Measured[], what: keyof Measured) => median(measured.map((one) => one[what]))
const failures = (...all: Measured[][]) => all.flat().reduce((sum, { failed }) => sum + failed, 0)
const signed = (value: number) => `${value < 0 ? '' : '+'}${value.toFixed(3)}`
const rounded = (value: number, digits: number) => Number(value.toFixed(digits))

/** Requests per second of ours against another server's, on as many connections as both like. */
export async function throughput(rounds: Rounds, name: string, [ours, theirs]: [Side, Side]): Promise<Measurement> {
  const [mine = [], other = []] = await inTurns(rounds, [ours, theirs], { connections })
  const [a, b] = [of(mine, 'perSecond'), of(other, 'perSecond')]
  const ratio = a / b
  return {
    row: {
      name,
      measured: `${a.toFixed(0)}/s against ${b.toFixed(0)}/s; p50 ${of(mine, 'p50').toFixed(2)} ms against ${of(other, 'p50').toFixed(2)} ms`,
      result: `${ratio.toFixed(1)}x`,
      target: '>= 20x',
      met: ratio >= 20,
    },
    numbers: { perSecond: rounded(a, 0), otherPerSecond: rounded(b, 0), ratio: rounded(ratio, 2) },
    failed: failures(mine, other),
  }
}

export async function atAThousand(rounds: Rounds, side: Side): Promise<Measurement> {
  const [found = []] = await inTurns(rounds, [side], { perSecond: 1_000 })
  const [p50, p99] = [of(found, 'p50'), of(found, 'p99')]
  return {
    row: {
      name: 'predict at 1,000 requests/s',
      measured: `p50 ${p50.toFixed(2)} ms, highest ${of(found, 'highest').toFixed(1)} ms`,
      result: `p99 ${p99.toFixed(2)} ms`,
      target: 'reported',
      met: null,
    },
    numbers: { p50: rounded(p50, 3), p99: rounded(p99, 3) },
    failed: failures(found),
  }
}

/** What the second side costs of the first one's throughput: the median over pairs of rounds, which lie beside each other in time. */
export async function loggingCost(rounds: Rounds, [without, with_]: [Side, Side]): Promise<Measurement> {
  const [quiet = [], logging = []] = await inTurns(rounds, [without, with_], { connections })
  const [a, b] = [of(quiet, 'perSecond'), of(logging, 'perSecond')]
  const cost = 1 - median(logging.map(({ perSecond }, round) => perSecond / (quiet[round]?.perSecond ?? Number.NaN)))
  return {
    row: {
      name: 'logging-cost',
      measured: `${b.toFixed(0)}/s with every prediction logged, ${a.toFixed(0)}/s with none`,
      result: `${(100 * cost).toFixed(1)} %`,
      target: '<= 10 %',
      met: cost <= 0.1,
    },
    numbers: { perSecond: rounded(b, 0), withoutPerSecond: rounded(a, 0), cost: rounded(cost, 4) },
    failed: failures(quiet, logging),
  }
}

type Most = { p50: number; p99?: number }

/** What the second side adds to the first one's latency at a steady pace. */
export async function added(
  rounds: Rounds,
  { name, most, perSecond }: { name: string; most: Most; perSecond: number },
  [without, with_]: [Side, Side],
): Promise<Measurement> {
  const [plain = [], more = []] = await inTurns(rounds, [without, with_], { perSecond })
  const p50 = of(more, 'p50') - of(plain, 'p50')
  const p99 = of(more, 'p99') - of(plain, 'p99')
  const target = `p50 <= ${most.p50} ms${most.p99 === undefined ? '' : `, p99 <= ${most.p99} ms`}`
  return {
    row: {
      name,
      measured: `p50 ${of(plain, 'p50').toFixed(2)} -> ${of(more, 'p50').toFixed(2)} ms, p99 ${of(plain, 'p99').toFixed(2)} -> ${of(more, 'p99').toFixed(2)} ms at ${perSecond}/s`,
      result: `p50 ${signed(p50)} ms${most.p99 === undefined ? '' : `, p99 ${signed(p99)} ms`}`,
      target,
      met: p50 <= most.p50 && p99 <= (most.p99 ?? Number.POSITIVE_INFINITY),
    },
    numbers: { addedP50: rounded(p50, 3), addedP99: rounded(p99, 3) },
    failed: failures(plain, more),
  }
}
