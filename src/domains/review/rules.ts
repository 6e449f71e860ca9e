type Value = number | string | null

export type Case = { id: string; at: string; release: string; wrong: boolean; slice: Record<string, Value> }

export type Group = {
  key: string
  slice: Record<string, string>
  cases: number
  exposure: number
  excess: number
  releases: string[]
  examples: string[]
  from: string
  to: string
}

const minExposed = 100
const minExcess = 10
const maxDistinct = 40
const maxExamples = 10
/** Standard errors beyond which an excess of wrong answers is not put down to chance. */
const beyondChance = 3

/**
 * Groups wrong answers by what they share: every value of every field, and every pair of two fields. A group counts
 * when its excess over the overall rate is large and beyond chance; a pair only when it says more than its parts.
 */
export function groupFailures(cases: readonly Case[]): { groups: Group[]; overall: number } {
  const overall = cases.length === 0 ? 0 : cases.filter(({ wrong }) => wrong).length / cases.length
  const fields = usableFields(cases)
  const single = fields.flatMap((field) => grouped(cases, [field], overall))
  const pairs = fields.flatMap((first, index) =>
    fields.slice(index + 1).flatMap((second) => grouped(cases, [first, second], overall)),
  )
  const rates = new Map(single.map((group) => [group.key, group.cases / group.exposure]))
  const sharper = pairs.filter((pair) => {
    const parts = Object.entries(pair.slice).map(([field, value]) => rates.get(`${field}=${value}`) ?? overall)
    return pair.cases / pair.exposure > Math.max(...parts) * 1.25
  })
  return { groups: [...single, ...sharper].sort((a, b) => b.excess - a.excess), overall }
}

function usableFields(cases: readonly Case[]): string[] {
  const names = Object.keys(cases[0]?.slice ?? {})
  return names.filter((name) => {
    const distinct = new Set(cases.map(({ slice }) => String(slice[name])))
    return distinct.size > 1 && distinct.size <= maxDistinct
  })
}

function grouped(cases: readonly Case[], fields: string[], overall: number): Group[] {
  const groups = new Map<string, Group>()
  for (const one of cases) {
    const slice = Object.fromEntries(fields.map((field) => [field, String(one.slice[field])]))
    const key = fields.map((field) => `${field}=${slice[field]}`).join(' ')
    const group = groups.get(key) ?? {
      key,
      slice,
      cases: 0,
      exposure: 0,
      excess: 0,
      releases: [],
      examples: [],
      from: one.at,
      to: one.at,
    }
    group.exposure += 1
    if (one.wrong) {
      group.cases += 1
      if (!group.releases.includes(one.release)) group.releases.push(one.release)
      if (group.examples.length < maxExamples) group.examples.push(one.id)
    }
    if (one.at < group.from) group.from = one.at
    if (one.at > group.to) group.to = one.at
    groups.set(key, group)
  }
  return [...groups.values()]
    .map((group) => ({ ...group, excess: group.cases - overall * group.exposure }))
    .filter((group) => group.exposure >= minExposed && group.excess >= minExcess)
    .filter((group) => group.excess > beyondChance * Math.sqrt(group.exposure * overall * (1 - overall)))
}

/** In words: what the cases of a group share. */
export function titleOf(slice: Record<string, string>): string {
  return Object.entries(slice)
    .map(([field, value]) => `${field} is ${value}`)
    .join(' and ')
}
