import type { Estimate, Output } from '../../core/contract.ts'
import type { delivery } from '../delivery/contract.ts'
import type { monitoring } from '../monitoring/contract.ts'
import type { review } from './contract.ts'

type Status = Output<(typeof review)['status']>
export type Card = Status['models'][number]
type Todo = Status['todo'][number]

/** What is known about a model now. */
export type Facts = {
  model: string
  live: Output<(typeof delivery)['liveAt']>['live']
  /** Oldest first. */
  windows: Output<(typeof monitoring)['series']>['items']
  /** When nothing was served since the newest of them. */
  unserved: { from: string; to: string } | null
  /** The first window of the release that is live. */
  atRelease: Output<(typeof monitoring)['series']>['items'][number] | null
  /** Alerts that fire and page somebody. */
  pages: Output<(typeof monitoring)['listAlerts']>['items']
  /** Newest first. */
  releases: Output<(typeof delivery)['listReleases']>['items']
  policy: Output<(typeof delivery)['policy']>
  pinned: boolean
  rollout: Output<(typeof delivery)['getRollout']> | undefined
}

/** What waits for somebody, the most urgent first. */
export function todoOf({ model, pages, rollout, releases, pinned, policy }: Facts): Todo[] {
  const todo = pages.map(({ summary }): Todo => ({ model, kind: 'alert', summary, command: `keel alerts ${model}` }))
  if (rollout?.state === 'holding') {
    const share = `${(rollout.share * 100).toFixed(0)} %`
    const summary = `${rollout.release} holds at ${share}: ${rollout.history.at(-1)?.reason ?? ''}`
    todo.push({ model, kind: 'rollout', summary, command: `keel rollout ${rollout.release}` })
  }
  if (rollout?.state === 'awaiting_approval') {
    const version = releases.find(({ id }) => id === rollout.release)?.version
    const summary = `${rollout.release} has its evidence and waits for the approval of a second person.`
    todo.push({ model, kind: 'approval', summary, command: `keel approve ${model}@${version} --reason "…"` })
  }
  if (pinned) {
    const summary = 'It is pinned after a rollback: nothing is released until somebody unpins it.'
    todo.push({ model, kind: 'pin', summary, command: `keel unpin ${model} --reason "…"` })
  }
  if (policy.level !== 'green') {
    const summary = `The policy is ${policy.level}: ${policy.reasons.join('; ')}`
    todo.push({ model, kind: 'policy', summary, command: `keel delivery ${model}` })
  }
  return todo
}

type Quality = { metric: string; estimate: Estimate }

const nothing = { value: null, n: 0 }
const sparklineWindows = 26

export function cardOf(facts: Facts): Card {
  const { model, live, windows, releases, policy, pinned, atRelease } = facts
  const latest = windows.at(-1)
  return {
    model,
    state: stateOf(facts),
    headline: headlineOf(facts),
    release: live?.release ?? null,
    version: live?.version ?? null,
    liveSince: live?.from ?? null,
    pinned,
    rollout: rolloutOf(facts),
    quality: {
      metric: latest ? qualityOf(latest).metric : 'log loss',
      now: latest ? qualityOf(latest).estimate : nothing,
      atRelease: atRelease ? qualityOf(atRelease).estimate : nothing,
    },
    window: latest ? { from: latest.from, to: latest.to, requests: latest.requests, labelled: latest.labelled } : null,
    labelsUntil: latest?.knownUpTo ?? null,
    p95Ms: latest?.p95Ms ?? nothing,
    sparkline: windows
      .slice(-sparklineWindows)
      .map((window) => ({ at: window.from, value: qualityOf(window).estimate.value })),
    releases: releases.flatMap(({ id, fullyLiveAt }) =>
      fullyLiveAt === null ? [] : [{ at: fullyLiveAt, release: id }],
    ),
    policy: policy.level,
  }
}

function rolloutOf({ rollout, releases }: Facts): Card['rollout'] {
  const release = releases.find(({ id }) => id === rollout?.release)
  if (!rollout || !release) return null
  const { state, share, forecast } = rollout
  return { release: release.id, version: release.version, state, share, needs: forecast?.sentence ?? null }
}

function headlineOf(facts: Facts): string {
  const [first] = todoOf(facts)
  if (first) return first.summary
  if (facts.live === null) return 'Nothing is live.'
  if (stateOf(facts) !== 'cannot_tell') return 'Nothing waits for you.'
  const { unserved } = facts
  return unserved
    ? `Nothing was served from ${unserved.from} to ${unserved.to}.`
    : 'No window with requests is complete yet.'
}

function stateOf({ live, pages, pinned, rollout, windows, unserved }: Facts): Card['state'] {
  if (live === null) return 'not_released'
  const waits = rollout?.state === 'holding' || rollout?.state === 'awaiting_approval'
  if (pages.length > 0 || pinned || waits) return 'needs_you'
  if (rollout) return 'rolling_out'
  return windows.length === 0 || unserved ? 'cannot_tell' : 'steady'
}

/** Probabilities are judged by their log loss, quantities by their distance from what happened, all else by the metric of the spec. */
function qualityOf({ absoluteError, logLoss, metrics = [] }: Facts['windows'][number]): Quality {
  if (absoluteError) return { metric: 'absolute error', estimate: absoluteError }
  const [first] = metrics
  const known = metrics.find(({ metric }) => metric === 'log_loss')
  if (known || !first) return { metric: 'log loss', estimate: known?.estimate ?? logLoss }
  return first
}
