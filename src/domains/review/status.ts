import { atOnce } from '../../core/concurrency.ts'
import type { Context } from '../../core/context.ts'
import type { Output } from '../../core/contract.ts'
import * as datasets from '../datasets/datasets.ts'
import * as delivery from '../delivery/delivery.ts'
import * as monitoring from '../monitoring/monitoring.ts'
import * as registry from '../registry/registry.ts'
import * as serving from '../serving/serving.ts'
import { type Card, cardOf, type Facts, todoOf } from './cards.ts'
import type { review } from './contract.ts'

type Status = Output<(typeof review)['status']>

const modelsAtOnce = 4

/** The home sentence and what stands behind it. */
export async function status(ctx: Context): Promise<Status> {
  const names = await watchedModels(ctx)
  const facts: Facts[] = []
  await atOnce(modelsAtOnce, names.length, async (index) => {
    facts[index] = await factsOf(ctx, names[index] ?? '')
  })
  const models = facts.map(cardOf)
  const needYou = models.filter(({ state }) => state === 'needs_you').length
  const cannotTell = models.filter(({ state }) => state === 'cannot_tell').length
  const steady = models.filter(({ state }) => state === 'steady' || state === 'rolling_out').length
  const sentence = sentenceOf(models, { steady, needYou, cannotTell })
  return {
    now: ctx.now().toISOString(),
    sentence,
    steady,
    needYou,
    cannotTell,
    models,
    todo: facts.flatMap(todoOf),
    log: serving.logHealth(ctx),
    notStarted: notStarted(ctx),
    unreadable: await datasets.unreadableSources(ctx),
    fetching: await fetchingProblems(ctx),
  }
}

const pageSize = 1_000

/** All models, and the prompts that have a spec: the others are texts that nobody releases. */
async function watchedModels(ctx: Context): Promise<string[]> {
  const names: string[] = []
  let cursor: string | undefined
  do {
    const page = await registry.listModels(ctx, { limit: pageSize, ...(cursor === undefined ? {} : { cursor }) })
    names.push(...page.items.filter(({ kind, spec }) => kind === 'model' || spec !== null).map(({ name }) => name))
    cursor = page.next
  } while (cursor !== undefined)
  return names
}

/** What does not come by itself although somebody said that it should. */
async function fetchingProblems(ctx: Context): Promise<{ what: string; problem: string }[]> {
  const sources = await datasets.fetchProblems(ctx)
  const imports = await serving.importProblems(ctx)
  return [
    ...sources.map(({ source, problem }) => ({ what: `source ${source}`, problem })),
    ...imports.map(({ model, what, problem }) => ({ what: `${what} of ${model}`, problem })),
  ]
}

function notStarted(ctx: Context): Status['notStarted'] {
  return serving
    .listEndpoints(ctx)
    .items.flatMap(({ name, notLoaded }) =>
      notLoaded.flatMap(({ release, reason }) => (reason === null ? [] : [{ model: name, release, reason }])),
    )
}

type Counts = { steady: number; needYou: number; cannotTell: number }

function sentenceOf(models: Card[], { steady, needYou, cannotTell }: Counts): string {
  if (models.length === 0) return 'No models yet.'
  const count = (n: number) => `${n} ${n === 1 ? 'model' : 'models'}`
  const waiting = models.filter(({ state }) => state === 'not_released').length
  const parts = [
    ...(steady > 0 ? [`${count(steady)} steady`] : []),
    ...(needYou > 0
      ? [`${needYou === models.length ? count(needYou) : needYou} ${needYou === 1 ? 'needs' : 'need'} you`]
      : []),
    ...(cannotTell > 0 ? [`${count(cannotTell)} cannot be judged`] : []),
    ...(waiting > 0 ? [`${count(waiting)} not released`] : []),
  ]
  return `${parts.join(', ')}.`
}

async function factsOf(ctx: Context, model: string): Promise<Facts> {
  const [{ live }, windows, firing, releases, policy, pinned] = await Promise.all([
    delivery.liveAt(ctx, { model }),
    monitoring.series(ctx, { model }),
    monitoring.listAlerts(ctx, { model, state: 'firing' }),
    delivery.listReleases(ctx, { model }),
    delivery.policy(ctx, { model }),
    delivery.isPinned(ctx, model),
  ])
  const { unserved } = await monitoring.newestWindow(ctx, { model })
  const since = live && (releases.items.find(({ id }) => id === live.release)?.createdAt ?? live.from)
  const rolling = releases.items.find(({ state }) => state === 'rolling_out')
  return {
    model,
    live,
    windows: windows.items,
    unserved,
    atRelease:
      live && since
        ? await monitoring.firstWindowOf(ctx, { model, release: live.seenAs ?? live.release, since })
        : null,
    pages: firing.items.filter(({ severity }) => severity === 'page'),
    releases: releases.items,
    policy,
    pinned,
    rollout: rolling && (await delivery.getRollout(ctx, { release: rolling.id })),
  }
}
