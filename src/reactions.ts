import type { Follower, Reactions } from './core/background/background.ts'
import type { Context } from './core/context.ts'
import { nameIn } from './core/event-contract.ts'
import type { JobEndings, JobHandlers } from './core/job-contract.ts'
import * as artifacts from './domains/artifacts/artifacts.ts'
import * as datasets from './domains/datasets/datasets.ts'
import * as delivery from './domains/delivery/delivery.ts'
import * as features from './domains/features/features.ts'
import * as monitoring from './domains/monitoring/monitoring.ts'
import * as pipelines from './domains/pipelines/pipelines.ts'
import * as runs from './domains/runs/runs.ts'
import * as serving from './domains/serving/serving.ts'
import * as webhooks from './domains/webhooks/webhooks.ts'
import type { events } from './events.ts'
import type { jobs } from './jobs.ts'

type Step = (ctx: Context) => void | Promise<void>

/** What a server does before it answers its first request, in this order. */
export const onStart: Step[] = [
  together(features.warmUp, serving.startRoutes),
  serving.startLog,
  runs.startJournal,
  delivery.reconcileAll,
  delivery.resumeChecks,
]

/** Steps that do not need each other: rows of features are read while models load in threads of their own. */
function together(...steps: Step[]): Step {
  return async (ctx) => {
    const ended = await Promise.allSettled(steps.map(async (step) => step(ctx)))
    for (const one of ended) if (one.status === 'rejected') throw one.reason
  }
}

/** What another server may have changed: looked at again and again while the server runs, where the database is shared. */
export const onChange: readonly Follower[] = [features.onlineFeatures, serving.routes, serving.specs, serving.prices]

/** What a server does before it ends, in this order. */
export const onStop: Step[] = [
  serving.stopLog,
  serving.stopBatches,
  serving.stopRouting,
  serving.giveAllBack,
  runs.stopJournal,
]

/** Event type -> what follows. Runs in the transaction that marks the event delivered. */
export const onEvent: Reactions<typeof events> = {
  '*': [webhooks.tellReceivers],
  'delivery.live_changed': [
    (ctx, { data }) => monitoring.watch(ctx, { model: data.model }),
    (ctx, { data }) => delivery.planDrill(ctx, data.model),
  ],
  'datasets.rows_appended': [
    (ctx, { subject, at }) => monitoring.scheduleSourceCheck(ctx, { source: nameIn(subject), at }),
    (ctx, { subject }) => serving.planAfterRows(ctx, nameIn(subject)),
  ],
  'datasets.fetch_failed': [
    (ctx, { subject, data }) => monitoring.alertFetch(ctx, { source: nameIn(subject), problem: data.problem }),
  ],
  'datasets.fetch_recovered': [
    (ctx, { subject }) => monitoring.alertFetch(ctx, { source: nameIn(subject), problem: null }),
  ],
  'evaluation.prices_set': [serving.refreshPrices],
  'registry.spec_applied': [
    serving.refreshSpecs,
    (ctx, { subject }) => monitoring.watchAgain(ctx, { model: nameIn(subject) }),
    (ctx, { subject }) => serving.planAfterSpec(ctx, nameIn(subject)),
  ],
  'serving.predictions_recorded': [
    (ctx, { subject, data }) => monitoring.watchRecorded(ctx, { model: nameIn(subject), from: data.from }),
    (ctx, { subject, data }) => delivery.countSeen(ctx, { model: nameIn(subject), seen: data.seen ?? [] }),
    (ctx, { subject }) => serving.planAfterPredictions(ctx, nameIn(subject)),
  ],
  'serving.import_failed': [
    (ctx, { subject, data }) => monitoring.alertImport(ctx, { model: nameIn(subject), ...data }),
  ],
  'serving.import_recovered': [
    (ctx, { subject, data }) => monitoring.alertImport(ctx, { model: nameIn(subject), ...data, problem: null }),
  ],
  'serving.log_lost': [monitoring.alertLostPredictions],
  'serving.release_not_started': [
    (ctx, { subject, data }) => monitoring.alertNotStarted(ctx, { model: nameIn(subject), ...data }),
  ],
  'serving.release_started': [
    (ctx, { subject, data }) => monitoring.alertNotStarted(ctx, { model: nameIn(subject), ...data, reason: null }),
  ],
  'serving.routing_changed': [
    (ctx, { subject, data: { live, canary, shadow, warm } }) =>
      monitoring.forgetNotStarted(ctx, {
        model: nameIn(subject),
        named: [live, canary, shadow, ...warm].flatMap((target) => target?.release ?? []),
      }),
  ],
  'pipelines.run_failed': [
    async (ctx, { subject, data: { run, scheduled, why = 'see its steps' } }) => {
      if (scheduled === true)
        await monitoring.alertPipeline(
          ctx,
          nameIn(subject),
          `The scheduled run "${run}" of "${nameIn(subject)}" failed: ${why}`,
        )
    },
  ],
  'pipelines.run_succeeded': [(ctx, { subject }) => monitoring.alertPipeline(ctx, nameIn(subject), null)],
  'monitoring.alerts_raised': [monitoring.notifyByEmail],
  'monitoring.alerts_resolved': [monitoring.notifyByEmail],
  'monitoring.digest': [monitoring.notifyByEmail],
  'delivery.drilled': [
    (ctx, { subject }) => delivery.planDrill(ctx, nameIn(subject)),
    (ctx, { subject, data }) => monitoring.alertDrill(ctx, { model: nameIn(subject), ...data }),
  ],
}

/** Job kind -> what follows when it has ended, well or for good. */
export const onJobEnd: JobEndings<typeof jobs> = {
  'pipelines.run': pipelines.endLostRun,
  'pipelines.scheduled': async (ctx, { pipeline }, { error }) => {
    if (error !== null)
      await monitoring.alertPipeline(ctx, pipeline, `The pipeline "${pipeline}" could not be started: ${error}`)
  },
  'monitoring.window': (ctx, { model }, outcome) =>
    monitoring.alertJob(ctx, { model, what: 'closing of a window' }, outcome),
  'monitoring.source': (ctx, { source }, outcome) =>
    monitoring.alertJob(ctx, { model: `source.${source}`, what: 'check of new rows' }, outcome),
  'serving.labelled': (ctx, { model }, outcome) =>
    monitoring.alertJob(ctx, { model, what: 'look at late labels' }, outcome),
  'delivery.drill': async (ctx, { model }, outcome) => {
    if (outcome.error !== null) await monitoring.alertJob(ctx, { model, what: 'drill' }, outcome)
  },
}

/** Job kind -> who does it. */
export const onJob: JobHandlers<typeof jobs> = {
  'datasets.compact': datasets.compactSource,
  'datasets.fetch': datasets.fetchSource,
  'pipelines.run': pipelines.perform,
  'pipelines.scheduled': pipelines.startScheduled,
  'serving.merge': serving.mergeSegments,
  'serving.import': serving.importRows,
  'serving.labelled': monitoring.checkLateLabels,
  'serving.late': monitoring.recount,
  'monitoring.recount': monitoring.recount,
  'monitoring.window': async (ctx, payload) => {
    const closed = await monitoring.closeWindow(ctx, payload)
    await monitoring.sampleTraffic(ctx, payload)
    return closed
  },
  'monitoring.source': monitoring.checkSource,
  'monitoring.email': monitoring.sendEmail,
  'delivery.tick': delivery.tick,
  'webhooks.attempt': webhooks.attempt,
  'artifacts.gc': artifacts.gc,
  'artifacts.fsck': artifacts.fsck,
  'delivery.drill': delivery.drillWhenDue,
  'delivery.mend': delivery.reconcile,
}
