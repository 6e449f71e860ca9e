import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttp } from 'node:http'
import { createServer as createTcp, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { model } from '../../../../test/support/trips.ts'
import { latestEvents } from '../../../core/background/events.ts'
import { transaction } from '../../../core/transaction.ts'
import { append } from '../../delivery/events.ts'
import { signatureOf } from '../../webhooks/rules.ts'
import { begin, release } from '../monitoring.fixture.ts'
import { silentUntil } from './alerting.ts'

const wrong = { late: () => 0 }

type Call = { path: string; headers: NodeJS.Dict<string | string[]>; body: string }

/** A receiver of the test's own; remembers what it was told. */
async function receiver(t: TestContext): Promise<{ url: string; calls: Call[] }> {
  const calls: Call[] = []
  const server = createHttp((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      calls.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() })
      response.end('ok')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const address = server.address()
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`, calls }
}

/** As much of a mail server as a message needs. */
async function mailServer(t: TestContext): Promise<{ url: string; messages: string[] }> {
  const messages: string[] = []
  const sockets = new Set<Socket>()
  const server = createTcp((socket) => {
    sockets.add(socket)
    let reading = false
    let message = ''
    socket.write('220 test ESMTP\r\n')
    socket.on('data', (chunk) => {
      for (const line of chunk.toString().split('\r\n').slice(0, -1)) {
        if (reading) {
          if (line === '.') {
            reading = false
            messages.push(message)
            socket.write('250 taken\r\n')
          } else message += `${line}\n`
          continue
        }
        const verb = line.slice(0, 4).toUpperCase()
        if (verb === 'DATA') {
          reading = true
          message = ''
          socket.write('354 go on\r\n')
        } else if (verb === 'QUIT') socket.end('221 bye\r\n')
        else socket.write('250 ok\r\n')
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  return { url: `smtp://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`, messages }
}

test('one message for all pages of a window goes to Slack, Alertmanager, a signed webhook and by e-mail', async (t) => {
  const { client, live, settleWindows } = await begin(t)
  const [http, mail] = [await receiver(t), await mailServer(t)]
  process.env['TEST_ALERT_SECRET'] = 'a secret of the test'
  t.after(() => {
    delete process.env['TEST_ALERT_SECRET']
  })
  await client.monitoring.setSinks({
    sinks: [
      { name: 'chat', slack: `${http.url}/slack` },
      { name: 'router', alertmanager: `${http.url}/alertmanager` },
      { name: 'hook', webhook: { url: `${http.url}/hook`, secret: 'env:TEST_ALERT_SECRET' } },
      { name: 'post', email: { smtp: mail.url, from: 'keel@team.example', to: ['ana@team.example'] } },
    ],
  })
  await live(1, wrong)
  await settleWindows()
  const called = (path: string) => http.calls.filter((call) => call.path === path)
  assert.deepEqual(
    [called('/slack').length, called('/alertmanager').length, called('/hook').length, mail.messages.length],
    [1, 1, 1, 1],
  )

  const slack = JSON.parse(called('/slack')[0]?.body ?? '')
  assert.match(slack.text, /^trip-late needs you/)
  assert.equal(slack.blocks[0].type, 'header')

  const routed = JSON.parse(called('/alertmanager')[0]?.body ?? '')
  assert.deepEqual([routed.version, routed.status, routed.alerts[0].labels.signal], ['4', 'firing', 'bias'])
  assert.deepEqual(routed.groupLabels, { model: routed.alerts[0].labels.model })
  const held = routed.alerts.flatMap(({ labels }: { labels: Record<string, string> }) =>
    Object.entries(routed.commonLabels).map(([name, value]) => labels[name] === value),
  )
  assert.ok(held.length > 0 && held.every(Boolean), 'what is common is on every alert')
  assert.match(routed.alerts[0].fingerprint, /^[0-9a-f]{16}$/)

  const [hook] = called('/hook')
  assert.ok(hook)
  const header = (name: string) => String(hook.headers[name])
  const signed = { id: header('webhook-id'), timestamp: header('webhook-timestamp'), body: hook.body }
  assert.equal(header('webhook-signature'), signatureOf('a secret of the test', signed))
  assert.match(mail.messages[0] ?? '', /Subject: \[keel\] trip-late needs you/)

  await live(1)
  await settleWindows()
  assert.equal(JSON.parse(called('/alertmanager')[1]?.body ?? '').status, 'resolved')
})

test('a sink without its secret, or with two ways to notify, is refused with its name, and the list stays', async (t) => {
  const { client } = await begin(t)
  await assert.rejects(
    client.monitoring.setSinks({ sinks: [{ name: 'chat', slack: 'env:NOT_THERE' }] }),
    /"NOT_THERE" is not set/,
  )
  await assert.rejects(client.monitoring.setSinks({ sinks: [{ name: 'chat' }] }), /"chat" names 0 ways/)
  await assert.rejects(
    client.monitoring.setSinks({ sinks: [{ name: 'inner', slack: 'http://10.0.0.1/x' }] }),
    /10\.0\.0\.1.*is not called/,
  )
  assert.deepEqual((await client.webhooks.list({})).items, [])
})

test('what is silenced is recorded and told to nobody; a maintenance window is the same with another word', async (t) => {
  const { client, ctx, live, settleWindows } = await begin(t)
  const silence = await client.monitoring.silence({
    model,
    to: '2026-01-02T12:00:00Z',
    reason: 'labels are reloaded',
    kind: 'maintenance',
  })
  await live(1, wrong)
  await settleWindows()
  const [alert] = (await client.monitoring.listAlerts({ model })).items
  assert.match(alert?.quiet ?? '', /^maintenance until 2026-01-02T12:00:00.000Z: labels are reloaded/)
  assert.deepEqual(await latestEvents(ctx, { type: 'monitoring.alerts_raised' }), [])
  await client.monitoring.endSilence({ silence: silence.id })
  assert.equal((await client.monitoring.listSilences({})).items[0]?.to, ctx.now().toISOString())
  await assert.rejects(client.monitoring.silence({ to: '2020-01-01T00:00:00Z', reason: 'backwards' }), /cannot end/)
})

test('a maintenance window comes back by its cron expression in its own time zone, and pages between are told', async (t) => {
  const { client, live, settleWindows } = await begin(t)
  const repeats = { cron: '30 2 * * *', zone: 'Europe/Berlin', lasts: '1h' }
  const made = await client.monitoring.silence({ model, kind: 'maintenance', repeats, reason: 'nightly load' })
  assert.deepEqual([made.to, made.repeats], [null, repeats])
  await live(1, wrong)
  await settleWindows()
  const [alert] = (await client.monitoring.listAlerts({ model })).items
  assert.deepEqual([alert?.firedAt, alert?.severity], ['2026-01-02T01:00:00.000Z', 'page'])
  assert.equal(alert?.quiet, null)
})

test('within a time of a maintenance window that comes back, an alert is recorded and told to nobody', async (t) => {
  const { client, ctx, live, settleWindows } = await begin(t)
  const repeats = { cron: '30 1 * * *', zone: 'Europe/Berlin', lasts: '1h' }
  const { id } = await client.monitoring.silence({ model, kind: 'maintenance', repeats, reason: 'nightly load' })
  await live(1, wrong)
  await settleWindows()
  const [alert] = (await client.monitoring.listAlerts({ model })).items
  assert.equal(alert?.quiet, 'maintenance until 2026-01-02T01:30:00.000Z: nightly load')
  assert.deepEqual(await latestEvents(ctx, { type: 'monitoring.alerts_raised' }), [])
  await client.monitoring.endSilence({ silence: id })
  assert.equal((await client.monitoring.listSilences({})).items[0]?.to, ctx.now().toISOString())
})

test('a window that comes back keeps to the wall clock where summer time begins, and ends with its last day', () => {
  const silence = { cron: '0 4 * * *', zone: 'Europe/Berlin', lasts: '2h', to_at: '2026-03-30T03:00:00.000Z' }
  const until = (at: string) => silentUntil(silence, new Date(at))
  assert.equal(until('2026-03-28T03:00:00Z'), '2026-03-28T05:00:00.000Z')
  assert.equal(until('2026-03-28T02:59:59Z'), null)
  assert.equal(until('2026-03-28T05:00:00Z'), null)
  assert.equal(until('2026-03-29T02:00:00Z'), '2026-03-29T04:00:00.000Z')
  assert.equal(until('2026-03-30T02:30:00Z'), '2026-03-30T03:00:00.000Z')
})

test('what never comes, or says no length or no end, is refused with its name', async (t) => {
  const { client } = await begin(t)
  const silence = { model, reason: 'nightly load' }
  await assert.rejects(client.monitoring.silence(silence), /needs an end/)
  const wrongs = [
    { cron: 'at night', lasts: '1h' },
    { cron: '0 0 31 2 *', lasts: '1h' },
  ]
  for (const repeats of wrongs) await assert.rejects(client.monitoring.silence({ ...silence, repeats }), /schedule/)
  const nowhere = { cron: '0 1 * * *', zone: 'Nowhere/City', lasts: '1h' }
  await assert.rejects(client.monitoring.silence({ ...silence, repeats: nowhere }), /Nowhere\/City/)
})

test('beyond the budget of the week a page becomes a line of the digest and says why', async (t) => {
  const { client, live, settleWindows } = await begin(t, {}, 1)
  await live(1, wrong)
  await live(1)
  await live(1, wrong)
  await settleWindows()
  const biases = (await client.monitoring.listAlerts({ model })).items.filter(({ signal }) => signal === 'bias')
  assert.deepEqual(
    biases.map(({ severity, quiet }) => [severity, quiet]),
    [
      ['digest', 'over the budget of 1 pages a week'],
      ['page', null],
    ],
  )
  assert.equal((await client.monitoring.listRules({ model })).budget.pages, 1)
})

test('a rule whose alerts were mostly noise goes to the digest by itself, and comes back when they are real', async (t) => {
  const { client, live, settleWindows } = await begin(t, {}, 100)
  const judge = async (verdict: 'real' | 'noise') => {
    const { items } = await client.monitoring.listAlerts({ model })
    const open = items.find((alert) => alert.signal === 'bias' && alert.verdict === null)
    assert.ok(open)
    await client.monitoring.judgeAlert({ alert: open.id, verdict })
  }
  for (let round = 0; round < 3; round++) {
    await live(1, wrong)
    await live(1)
    await settleWindows()
    await judge('noise')
  }
  const bias = async () => (await client.monitoring.listRules({ model })).rules.find(({ signal }) => signal === 'bias')
  assert.deepEqual([(await bias())?.severity, (await bias())?.declared], ['digest', 'page'])
  assert.equal((await bias())?.precision.value, 0)
  await live(1, wrong)
  await settleWindows()
  const [isDemoted] = (await client.monitoring.listAlerts({ model })).items.filter(({ signal }) => signal === 'bias')
  assert.deepEqual([isDemoted?.severity, isDemoted?.quiet], ['digest', 'demoted: 3 of its last 3 alerts were noise'])
})

test('rules are data of the spec: a signal can be switched off or made to last', async (t) => {
  const { client, live, settleWindows } = await begin(t, { rules: [{ signal: 'bias', severity: 'off' }] })
  await live(1, wrong)
  await settleWindows()
  assert.deepEqual(
    (await client.monitoring.listAlerts({ model })).items.filter(({ signal }) => signal === 'bias'),
    [],
  )
})

test('alerts of Alertmanager and Grafana are linked to the release that was live when they began', async (t) => {
  const { app, client, ctx, url } = await begin(t)
  await transaction(ctx, (ctx) =>
    append(ctx, 'delivery.live_changed', `model/${model}`, { model, release, version: 1 }),
  )
  await app.worker.advance(new Date('2026-01-02T00:00:00Z'))
  const alert = {
    status: 'firing',
    labels: { alertname: 'HighLatency', model, pod: 'a' },
    annotations: { summary: 'p99 is 2 s' },
    startsAt: '2026-01-01T12:00:00Z',
    endsAt: '0001-01-01T00:00:00Z',
    fingerprint: 'c0ffee',
  }
  const send = (alerts: unknown[]) =>
    fetch(`${url}/api/v1/alertmanager`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        version: '4',
        groupKey: '{}',
        receiver: 'keel',
        orgId: 1,
        title: 'Grafana sends more',
        alerts,
      }),
    })
  assert.equal((await send([alert])).status, 200)
  assert.equal((await send([alert])).status, 200)
  const [stored, ...others] = (await client.monitoring.listAlerts({})).items
  assert.deepEqual(others, [])
  assert.deepEqual(
    [stored?.signal, stored?.release, stored?.model, stored?.summary, stored?.labels?.['pod']],
    ['external', release, model, 'HighLatency: p99 is 2 s', 'a'],
  )
  await send([{ ...alert, status: 'resolved', endsAt: '2026-01-01T13:00:00Z' }])
  assert.equal((await client.monitoring.listAlerts({})).items[0]?.resolvedAt, '2026-01-01T13:00:00.000Z')
  await send([{ status: 'firing', labels: { alertname: 'Disk' }, startsAt: '2025-01-01T00:00:00Z' }])
  const disk = (await client.monitoring.listAlerts({})).items.find(({ summary }) => summary === 'Disk')
  assert.deepEqual([disk?.model, disk?.release], ['unassigned', ''])
})
