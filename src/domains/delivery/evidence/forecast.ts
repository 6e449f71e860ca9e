import type { Output } from '../../../core/contract.ts'
import { hour } from '../../../core/duration.ts'
import { millisecondsOf } from '../../../core/time.ts'
import type { delivery } from '../contract.ts'
import type { Plan } from '../plan.ts'
import { type Guard, isOpen } from '../rules.ts'
import type { TrafficRate } from './still-needed.ts'

type Forecast = Output<(typeof delivery)['getRollout']>['forecast']

type Asked = { at: string; id: string; unit: string; arm: string }

/**
 * The traffic from `since` on. A unit counts once in a rollout, so one that `rows` (oldest first) had before is not new.
 * Without a minute to look at there is nothing to tell.
 */
export function trafficRate(
  rows: readonly Asked[],
  { since, now, sample }: { since: string; now: Date; sample: number },
): TrafficRate {
  const hours = (now.getTime() - millisecondsOf(since)) / hour
  const at = now.toISOString()
  if (hours < 1 / 60) return { requests: 0, units: 0, hours: Math.max(0, hours), at }
  const asked = rows.filter(({ arm }) => arm !== 'shadow')
  const earlier = new Set(asked.filter((row) => row.at < since).map(({ unit }) => unit))
  const recent = asked.filter((row) => row.at >= since)
  const fresh = new Set(recent.map(({ unit }) => unit).filter((unit) => !earlier.has(unit)))
  const requests = new Set(recent.map(({ id }) => id))
  return { requests: requests.size / sample / hours, units: fresh.size / sample / hours, hours, at }
}

/** What the step waits for, and when that is there at today's traffic. */
export function forecastOf(
  plan: Plan,
  { state, step, step_started_at, guards }: { state: string; step: number; step_started_at: string; guards: Guard[] },
): Forecast {
  const needs = guards.find(({ required }) => required)?.needs
  if (!isOpen(state) || needs === undefined) return null
  const stepUntil = new Date(millisecondsOf(step_started_at) + (step < 0 ? plan.shadowMs : plan.bakeMs)).toISOString()
  const wait = needs.units === null || needs.perHour === 0 ? null : needs.units / needs.perHour
  return {
    needs: needs.units,
    perHour: needs.perHour,
    hours: needs.hours,
    expectedAt: wait === null ? null : new Date(millisecondsOf(needs.at) + wait * hour).toISOString(),
    stepUntil,
    sentence: sentenceOf(needs, step < 0 ? 'answers' : 'units'),
  }
}

function sentenceOf({ units, perHour, hours }: NonNullable<Guard['needs']>, what: string): string {
  if (units === null) return 'at the rate of bad answers so far its evidence will never be enough'
  if (units === 0) return 'has its evidence'
  const needed = `needs ${counted(units)} more ${units === 1 ? what.slice(0, -1) : what}`
  const over = `over the last ${lasting(hours)}`
  if (perHour === 0) return `${needed}; when cannot be told: none came ${over}`
  return `${needed}; about ${lasting(units / perHour)} at today's traffic (${counted(perHour)}/h ${over})`
}

function counted(number: number): string {
  return number.toLocaleString('en', number < 10 ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: 0 })
}

/** `20 min`, `6 h` or `3 days`. */
function lasting(hours: number): string {
  if (hours < 1.5) return `${Math.max(1, Math.round(hours * 60))} min`
  return hours < 48 ? `${Math.round(hours)} h` : `${counted(Math.round(hours / 24))} days`
}
