import { readEnvironment } from '../../../core/config.ts'
import type { Context } from '../../../core/context.ts'
import type { Input, Output } from '../../../core/contract.ts'
import { AppError, invalidInput } from '../../../core/errors.ts'
import type { EventOf } from '../../../core/event-contract.ts'
import type { JobInput } from '../../../core/job-contract.ts'
import { transaction } from '../../../core/transaction.ts'
import * as webhooks from '../../webhooks/webhooks.ts'
import type { monitoring } from '../contract.ts'
import { append, type events } from '../events.ts'
import { enqueue, type jobs } from '../jobs.ts'
import * as store from '../store.ts'

type Operations = typeof monitoring
type Sink = Input<Operations['setSinks']>['sinks'][number]
type WebhookSettings = {
  format: 'slack' | 'alertmanager' | 'generic'
  url: string
  secret: string | undefined
  events: string[]
}

/** A message to receivers: the alerts of a window in one event. */
type Message = EventOf<typeof events, 'monitoring.alerts_raised' | 'monitoring.alerts_resolved' | 'monitoring.digest'>

const prefix = 'alerts.'

/** Replaces the receivers. Each `env:NAME` is looked up now; a missing one refuses the whole list. */
export async function setSinks(
  ctx: Context,
  { sinks }: Input<Operations['setSinks']>,
): Promise<Output<Operations['setSinks']>> {
  for (const sink of sinks) checkSink(sink)
  return transaction(ctx, async (ctx) => {
    const existing = (await webhooks.list(ctx, { limit: 1000 })).items.filter(({ name }) => name.startsWith(prefix))
    const declared = new Map<string, WebhookSettings>(
      sinks.flatMap((sink) => hookOf(sink).map((hook) => [`${prefix}${sink.name}`, hook])),
    )
    for (const { id, name, format } of existing) {
      const hook = declared.get(name)
      if (hook?.format !== format) {
        await webhooks.remove(ctx, { webhook: id })
        continue
      }
      await webhooks.update(ctx, { webhook: id, url: hook.url, events: hook.events, secret: hook.secret ?? '' })
      declared.delete(name)
    }
    for (const [name, { format, url, secret, events }] of declared)
      await webhooks.create(ctx, { name, format, url, events, ...(secret === undefined ? {} : { secret }) })
    const textOf = (rows: readonly store.SinkRecord[]) =>
      rows
        .map(({ definition }) => JSON.stringify(definition))
        .sort()
        .join()
    const before = textOf(await store.listSinks(ctx))
    const rows = sinks.map((sink) => ({ name: sink.name, definition: sink }))
    await store.replaceSinks(ctx, rows)
    if (textOf(rows) !== before)
      await append(ctx, 'monitoring.sinks_set', 'alerts', { sinks: sinks.map(({ name }) => name) })
    return { sinks: sinks.map(({ name }) => name) }
  })
}

/** As declared, by name; secrets stay references. */
export async function storedSinks(ctx: Context): Promise<Sink[]> {
  return (await store.listSinks(ctx)).map(({ definition }) => definition)
}

function checkSink(sink: Sink): void {
  const ways = [sink.slack, sink.alertmanager, sink.webhook, sink.email].filter((way) => way !== undefined)
  if (ways.length !== 1)
    throw invalidInput(`The alert sink "${sink.name}" names ${ways.length} ways to notify; it takes exactly one.`, {
      name: sink.name,
      hint: 'One of slack, alertmanager, webhook and email.',
    })
  if (sink.email) resolveReference(sink.email.smtp)
}

const severityEvents = { page: ['alerts.page', 'alerts.resolved'], digest: ['alerts.digest'] }
const ownNames: Record<string, Message['type']> = {
  'alerts.page': 'monitoring.alerts_raised',
  'alerts.resolved': 'monitoring.alerts_resolved',
  'alerts.digest': 'monitoring.digest',
}

function eventsOf({ severities = ['page', 'digest'] }: Sink): string[] {
  return severities.flatMap((severity) => severityEvents[severity])
}

function hookOf(sink: Sink): WebhookSettings[] {
  const events = eventsOf(sink)
  if (sink.slack !== undefined)
    return [{ format: 'slack', url: resolveReference(sink.slack), secret: undefined, events }]
  if (sink.alertmanager !== undefined)
    return [{ format: 'alertmanager', url: resolveReference(sink.alertmanager), secret: undefined, events }]
  if (!sink.webhook) return []
  const { url, secret } = sink.webhook
  return [
    {
      format: 'generic',
      url: resolveReference(url),
      secret: secret === undefined ? undefined : resolveReference(secret),
      events: events.map((name) => ownNames[name] ?? name),
    },
  ]
}

/** The value of the server's environment variable for `env:NAME`; any other string is itself. */
function resolveReference(text: string): string {
  if (!text.startsWith('env:')) return text
  const name = text.slice('env:'.length)
  const value = readEnvironment()[name]
  if (value === undefined || value === '')
    throw invalidInput(`The environment variable "${name}" is not set on the server.`, {
      name,
      hint: `Start the server with ${name} set, then apply again.`,
    })
  return value
}

/** E-mail is a job for each sink and event: a crash loses none, and a repeated event sends none twice. */
export async function notifyByEmail(ctx: Context, event: Message): Promise<void> {
  const kind = Object.keys(ownNames).find((name) => ownNames[name] === event.type)
  for (const { name, definition: sink } of await store.listSinks(ctx)) {
    if (!sink.email || kind === undefined || !eventsOf(sink).includes(kind)) continue
    const payload = { sink: name, type: event.type, ...event.data }
    await enqueue(ctx, { kind: 'monitoring.email', payload, key: `monitoring.email/${name}/${event.seq}` })
  }
}

export async function sendEmail(
  ctx: Context,
  payload: JobInput<(typeof jobs)['monitoring.email']>,
): Promise<{ sent: boolean; messageId?: string }> {
  const row = (await store.listSinks(ctx)).find(({ name }) => name === payload.sink)
  const sink = row?.definition
  if (!sink?.email) return { sent: false }
  const { type, model, alerts } = payload
  const { createTransport } = await import('nodemailer')
  const transport = createTransport(resolveReference(sink.email.smtp), { from: sink.email.from })
  try {
    const { messageId } = await transport.sendMail({
      to: sink.email.to,
      subject: subjectOf(type, model, alerts.length),
      text: alerts
        .map(
          ({ signal, subject, summary, release, id }) =>
            `${signal}${subject === '' ? '' : ` (${subject})`}: ${summary}\n  ${release}\n  keel alerts show ${id}\n`,
        )
        .join('\n'),
    })
    return { sent: true, messageId }
  } catch (cause) {
    throw new AppError(
      'upstream_failed',
      `The mail server of the alert sink "${sink.name}" did not take the message.`,
      { name: sink.name, cause },
    )
  } finally {
    transport.close()
  }
}

function subjectOf(type: string, model: string, n: number): string {
  if (type === 'monitoring.alerts_resolved') return `[keel] ${model}: over (${n})`
  return type === 'monitoring.digest'
    ? `[keel] ${model}: this week's digest (${n})`
    : `[keel] ${model} needs you (${n})`
}
