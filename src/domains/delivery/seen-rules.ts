import { minute } from '../../core/duration.ts'
import { millisecondsOf } from '../../core/tables/tables.ts'

/** What a batch of recorded predictions says of one name: how many, from when to when. */
export type Sighting = { name: string; version: number; count: number; from: string; to: string }

type Other = { name: string; beside: number; after: number; afterFrom: string }

/** Which name answers elsewhere, as its recorded predictions tell. */
export type Seen = {
  live: string
  since: string
  /** Its newest prediction, and how many there are since it took over. */
  lastAt: string
  count: number
  /** The other names: predictions between those of the live one, and after the last of them. */
  others: Other[]
}

/** A name that was seen before, and its first prediction. */
export type Known = { name: string; firstAt: string }

export type Step =
  | { kind: 'new'; name: string; version: number; at: string; replaces: string | undefined; live: boolean }
  | { kind: 'back'; name: string; from: string; at: string; forward: boolean; caught: boolean }

/** Several processes hand in their buffers one after the other: silence that is shorter says nothing. */
const settleMs = 10 * minute
/** How unlikely it must be that so many of an older name in a row are chance. */
const chance = 0.001
/** Before anything is known, a name may as well have one prediction of twenty. */
const priorAgainst = 20
const half = 0.5

/**
 * A name never seen is a release from its first prediction on. A name of before answers again when the live one is silent:
 * for long enough, and over more predictions than chance explains, so that a canary beside it is no rollback.
 */
export function follow(
  seen: Seen | undefined,
  known: readonly Known[],
  sightings: readonly Sighting[],
): { seen: Seen | undefined; steps: Step[] } {
  const first = new Map(known.map(({ name, firstAt }) => [name, firstAt]))
  const steps: Step[] = []
  let present = seen && { ...seen, others: seen.others.map((other) => ({ ...other })) }
  for (const sighting of [...sightings].sort((a, b) => compare(a.from, b.from) || compare(a.name, b.name))) {
    const { name, version, from } = sighting
    if (!first.has(name)) {
      const live = present === undefined || from > present.since
      steps.push({ kind: 'new', name, version, at: from, replaces: live ? present?.live : undefined, live })
      first.set(name, from)
      if (live) present = takenOver(sighting)
      continue
    }
    if (present === undefined) present = takenOver(sighting)
    else if (name === present.live) continued(present, sighting)
    else {
      const run = counted(present, sighting)
      if (!isBack(present, run, sighting.to)) continue
      const began = (of: string) => first.get(of) ?? ''
      const forward = began(name) > began(present.live)
      const caught = present.count / (present.count + run.beside) < half
      steps.push({ kind: 'back', name, from: present.live, at: run.afterFrom, forward, caught })
      present = takenOver({ ...sighting, from: run.afterFrom, count: run.after })
    }
  }
  return { seen: present, steps }
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

function takenOver({ name, from, to, count }: Omit<Sighting, 'version'>): Seen {
  return { live: name, since: from, lastAt: to, count, others: [] }
}

/** The live one goes on: what others answered after its last prediction lay beside it. */
function continued(present: Seen, { to, count }: Sighting): void {
  present.count += count
  if (to <= present.lastAt) return
  present.lastAt = to
  for (const other of present.others) {
    other.beside += other.after
    other.after = 0
  }
}

function counted(present: Seen, { name, from, to, count }: Sighting): Other {
  const found = present.others.find((other) => other.name === name)
  const other = found ?? { name, beside: 0, after: 0, afterFrom: from }
  if (!found) present.others.push(other)
  if (from > present.lastAt) {
    other.afterFrom = other.after === 0 || from < other.afterFrom ? from : other.afterFrom
    other.after += count
  } else if (to > present.since) other.beside += count
  return other
}

function isBack({ lastAt, count }: Seen, { beside, after }: Other, to: string): boolean {
  if (after === 0 || millisecondsOf(to) - millisecondsOf(lastAt) < settleMs) return false
  // How likely `after` of the older in a row are, given `count` and `beside` until then and a prior that is used to canaries.
  const against = beside + priorAgainst
  let likely = 1
  for (let index = 0; index < after && likely > chance; index++)
    likely *= (against + index) / (count + 1 + against + index)
  return likely <= chance
}
