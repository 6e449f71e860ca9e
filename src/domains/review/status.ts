import type { Context } from '../../core/context.ts'
import type { Estimate, Output } from '../../core/contract.ts'
import * as delivery from '../delivery/delivery.ts'
import * as monitoring from '../monitoring/monitoring.ts'
import * as registry from '../registry/registry.ts'
import * as serving from '../serving/serving.ts'
import type { review } from './contract.ts'

type Status = Output<(typeof review)['status']>
type Card = Status['models'][number]
type Todo = Status['todo'][number]

const nothing = { value: null, n: 0 }

/** The home sentence and what stands behind it. */
export async function status(ctx: Context): Promise<Status> {
  const { items } = await registry.listModels(ctx, { kind: 'model', limit: 1000 })
  const models: Card[] = []
  const todo: Todo[] = []
  for (const { name } of items) {
    const card = await cardOf(ctx, name)
    models.push(card.card)
    todo.push(...card.todo)
  }
  const needYou = models.filter(({ state }) => state === 'needs_you').length
  const steady = models.filter(({ state }) => state === 'steady' || state === 'rolling_out').length
  const sentence = sentenceOf(models, steady, needYou)
  return { now: ctx.now().toISOString(), sentence, steady, needYou, models, todo, log: serving.logHealth(ctx) }
}

function sentenceOf(models: Card[], steady: number, needYou: number): string {
  if (models.length === 0) return 'No models yet.'
  const count = (n: number) => `${n} ${n === 1 ? 'model' : 'models'}`
  const waiting = models.filter(({ state }) => state === 'not_released').length
  const parts = [
    ...(steady > 0 ? [`${count(steady)} steady`] : []),
    ...(needYou > 0
      ? [`${needYou === models.length ? count(needYou) : needYou} ${needYou === 1 ? 'needs' : 'need'} you`]
      : []),
    ...(waiting > 0 ? [`${count(waiting)} not released`] : []),
  ]
  return `${parts.join(', ')}.`
}

async function cardOf(ctx: Context, model: string): Promise<{ card: Card; todo: Todo[] }> {
  const { live } = await delivery.liveAt(ctx, { model })
  const { items: windows } = await monitoring.series(ctx, { model })
  const { items: firing } = await monitoring.listAlerts(ctx, { model, state: 'firing' })
  const { items: releases } = await delivery.listReleases(ctx, { model })
  const policy = await delivery.policy(ctx, { model })
  const pinned = await delivery.isPinned(ctx, model)
  const rolling = releases.find(({ state }) => state === 'rolling_out')
  const rollout = rolling ? await delivery.getRollout(ctx, { release: rolling.id }) : undefined
  const own = windows.filter(({ release }) => release === live?.release)
  const [latest, first] = [windows.at(-1), own[0]]
  const pages = firing.filter(({ severity }) => severity === 'page')
  const todo: Todo[] = [
    ...pages.map((alert) => ({ model, kind: 'alert', summary: alert.summary, command: `keel alerts ${model}` })),
    ...(rollout?.state === 'holding'
      ? [
          {
            model,
            kind: 'rollout',
            summary: `${rollout.release} holds at ${(rollout.share * 100).toFixed(0)} %: ${rollout.history.at(-1)?.reason ?? ''}`,
            command: `keel rollout ${rollout.release}`,
          },
        ]
      : []),
    ...(pinned
      ? [
          {
            model,
            kind: 'pin',
            summary: 'It is pinned after a rollback: nothing is released until somebody unpins it.',
            command: `keel unpin ${model} --reason "…"`,
          },
        ]
      : []),
    ...(policy.level === 'green'
      ? []
      : [
          {
            model,
            kind: 'policy',
            summary: `The policy is ${policy.level}: ${policy.reasons.join('; ')}`,
            command: `keel delivery ${model}`,
          },
        ]),
  ]
  const state =
    live === null
      ? 'not_released'
      : pages.length > 0 || pinned || rollout?.state === 'holding'
        ? 'needs_you'
        : rolling
          ? 'rolling_out'
          : 'steady'
  return {
    card: {
      model,
      state,
      headline: todo[0]?.summary ?? (live === null ? 'Nothing is live.' : 'Nothing waits for you.'),
      release: live?.release ?? null,
      version: live?.version ?? null,
      liveSince: live?.from ?? null,
      pinned,
      quality: {
        metric: latest?.absoluteError ? 'absolute error' : 'log loss',
        now: latest ? qualityOf(latest) : nothing,
        atRelease: first ? qualityOf(first) : nothing,
      },
      labelsUntil: latest?.to ?? null,
      p95Ms: latest?.p95Ms ?? nothing,
      sparkline: windows.slice(-26).map((window) => ({ at: window.from, value: qualityOf(window).value })),
      releases: releases.flatMap(({ id, fullyLiveAt }) =>
        fullyLiveAt === null ? [] : [{ at: fullyLiveAt, release: id }],
      ),
      policy: policy.level,
    },
    todo,
  }
}

/** Probabilities are judged by their log loss, other numbers by their distance from what happened. */
function qualityOf({ absoluteError, logLoss }: monitoring.Window): Estimate {
  return absoluteError ?? logLoss
}
