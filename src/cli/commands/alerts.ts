import { withoutUndefined } from '../../core/without-undefined.ts'
import { AlertVerdict, Signal } from '../../domains/monitoring/contract.ts'
import {
  argument,
  defineCommand,
  duration,
  estimate,
  facts,
  flag,
  moment,
  oneOf,
  optionalArgument,
  percent,
  required,
  table,
  text,
  time,
} from '../kit/kit.ts'

export const command = defineCommand({
  summary: 'Alerts, newest first, and their verdicts',
  args: { model: optionalArgument() },
  options: { firing: flag('only those that last') },
  async run(session, { args: { model }, options: { firing } }) {
    const { items } = await (await session.client()).monitoring.listAlerts({
      model,
      state: firing ? 'firing' : undefined,
    })
    return {
      data: items,
      text: table(
        ['alert', 'model', 'signal', 'severity', 'state', 'fired', 'value', 'verdict', 'what'],
        items.map((alert) => [
          alert.id,
          alert.model,
          alert.signal,
          alert.severity,
          alert.quiet ? `${alert.state} (quiet)` : alert.state,
          moment(alert.firedAt),
          estimate(alert.value),
          alert.verdict ?? 'open',
          alert.summary,
        ]),
      ),
      next: items.some((alert) => alert.verdict === null)
        ? ['keel alerts judge <alert> --verdict real|noise|duplicate']
        : [],
    }
  },
  commands: {
    show: defineCommand({
      summary: 'One alert, with where its threshold comes from',
      args: { id: argument('alert') },
      async run(session, { args: { id } }) {
        const alert = await (await session.client()).monitoring.getAlert({ alert: id })
        return {
          data: alert,
          text: facts([
            ['alert', alert.id],
            ['what', alert.summary],
            ['model', alert.model],
            ['release that was live', alert.release || 'unknown'],
            ['signal', alert.subject ? `${alert.signal} (${alert.subject})` : alert.signal],
            ['severity', alert.quiet ? `${alert.severity}, nobody was notified: ${alert.quiet}` : alert.severity],
            ['state', `${alert.state}, fired ${moment(alert.firedAt)}, over ${moment(alert.resolvedAt)}`],
            ['window', `${moment(alert.window.from)} – ${moment(alert.window.to)}, seen in ${alert.seen ?? 1}`],
            ['value', estimate(alert.value)],
            ['threshold', `${alert.threshold} from ${alert.thresholdFrom}`],
            ['verdict', alert.verdict ?? 'open'],
          ]),
          next: alert.verdict === null ? [`keel alerts judge ${alert.id} --verdict real|noise|duplicate`] : [],
        }
      },
    }),
    judge: defineCommand({
      summary: 'Was it real? Verdicts make the precision of alerts',
      args: { alert: argument() },
      options: {
        verdict: required(oneOf(AlertVerdict, 'what it was')),
        note: text('why'),
      },
      async run(session, { args: { alert }, options: { note, verdict } }) {
        const judged = await (await session.client()).monitoring.judgeAlert({
          alert,
          verdict,
          note,
        })
        return { data: judged, text: `${judged.id}: ${judged.verdict}`, next: [`keel alerts rules ${judged.model}`] }
      },
    }),
    rules: defineCommand({
      summary: 'Rules in order of loudness, with the precision that verdicts gave them',
      args: { model: argument() },
      async run(session, { args: { model } }) {
        const found = await (await session.client()).monitoring.listRules({ model })
        const rows = found.rules.map((rule) => [
          rule.signal,
          rule.severity,
          `${rule.of} of ${rule.windows}`,
          rule.precision.n === 0 ? 'not judged' : `${percent(rule.precision.value)} real (n ${rule.precision.n})`,
          rule.because,
        ])
        const { pages, perWeek } = found.budget
        return {
          data: found,
          text: `${table(['signal', 'severity', 'windows', 'precision', 'because'], rows)}\n\n${pages} of ${perWeek} pages of this week are used.`,
        }
      },
    }),
    silence: defineCommand({
      summary: 'Record alerts without notifying anybody, for a time',
      args: { model: optionalArgument() },
      options: {
        until: time('when it ends; needed unless it comes back by --every'),
        every: text('it comes back by this cron expression', 'cron'),
        for: duration('with --every: how long each time, such as 2h'),
        zone: text('with --every: time zone, such as Europe/Berlin; UTC by default', 'zone'),
        from: time('when it begins; now by default'),
        signal: oneOf(Signal, 'only this signal'),
        maintenance: flag('it is a maintenance window'),
        reason: required(text('why')),
      },
      examples: [
        'keel alerts silence flight-delay --until 2001-05-02T06:00 --reason "labels are being reloaded"',
        'keel alerts silence --maintenance --every "0 2 * * 0" --for 3h --zone Europe/Berlin --reason "weekly upgrade"',
      ],
      async run(session, { args: { model }, options }) {
        const { until: to, every: cron, for: lasts, zone, from, signal, maintenance, reason } = options
        const made = await (await session.client()).monitoring.silence({
          model,
          signal,
          kind: maintenance ? 'maintenance' : undefined,
          from,
          to,
          repeats: cron === undefined ? undefined : withoutUndefined({ cron, lasts: lasts ?? '', zone }),
          reason,
        })
        return { data: made, text: `${made.id}: ${made.model} ${made.signal} ${spanOf(made)}` }
      },
    }),
    silences: {
      summary: 'Silences and maintenance windows, newest first',
      async run(session) {
        const { items } = await (await session.client()).monitoring.listSilences({})
        return {
          data: items,
          text: table(
            ['silence', 'kind', 'model', 'signal', 'from', 'to', 'repeats', 'by', 'reason'],
            items.map((one) => [
              one.id,
              one.kind,
              one.model,
              one.signal,
              moment(one.from),
              one.to === null ? 'open' : moment(one.to),
              one.repeats ? recurrence(one.repeats) : '',
              one.by,
              one.reason,
            ]),
          ),
        }
      },
    },
    unsilence: defineCommand({
      summary: 'End a silence now',
      args: { silence: argument() },
      async run(session, { args: { silence } }) {
        await (await session.client()).monitoring.endSilence({ silence })
        return { data: { silence }, text: `${silence} has ended.` }
      },
    }),
  },
})

type Recurrence = { cron: string; zone?: string; lasts: string }

function recurrence({ cron, zone, lasts }: Recurrence): string {
  return `"${cron}" ${zone ?? 'UTC'}, ${lasts} each`
}

function spanOf({ to, repeats }: { to: string | null; repeats: Recurrence | null }): string {
  const end = to === null ? 'until it is ended' : `until ${moment(to)}`
  return repeats ? `${recurrence(repeats)}, ${end}` : end
}
