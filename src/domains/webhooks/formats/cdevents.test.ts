import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Event } from '../../../core/event-contract.ts'
import { cdevents } from './cdevents.ts'

const event = (type: string, data: Record<string, unknown>): Event => ({
  seq: 7,
  at: '2026-01-01T00:00:00.000Z',
  type,
  subject: 'model/trip-late',
  actor: 'ana',
  cause: 'test',
  data,
})

test('a rollback is a CDEvent "service rolledback" in a CloudEvent of the same id and type', () => {
  const rolledBack = event('delivery.rolled_back', { from: 'trip-late.r2', to: 'trip-late.r1', version: 1 })
  const { contentType, body } = cdevents.render(rolledBack)
  const told = JSON.parse(body)
  assert.match(contentType, /^application\/cloudevents\+json/)
  assert.equal(told.type, 'dev.cdevents.service.rolledback.0.2.0')
  assert.deepEqual([told.specversion, told.id, told.subject], ['1.0', told.data.context.id, told.data.subject.id])
  assert.deepEqual(told.data.context, {
    version: '0.4.1',
    id: '7',
    source: '/evenkeel',
    type: told.type,
    timestamp: '2026-01-01T00:00:00.000Z',
  })
  assert.deepEqual(told.data.subject.content, {
    environment: { id: 'production', source: '/evenkeel' },
    artifactId: 'pkg:generic/trip-late@1',
  })
})

test('a gate is a finished test suite run with its outcome, an alert an incident', () => {
  const name = (type: string, data: Record<string, unknown>) => cdevents.nameOf(event(type, data))
  const gate = event('evaluation.gate_decided', { gate: 'gate_1', verdict: 'fail', summary: 'worse' })
  assert.equal(JSON.parse(cdevents.render(gate).body).data.subject.content.outcome, 'fail')
  assert.equal(name('monitoring.alert_fired', { alert: 'a1' }), 'dev.cdevents.incident.detected.0.2.0')
  assert.equal(name('monitoring.alert_resolved', { alert: 'a1' }), 'dev.cdevents.incident.resolved.0.2.0')
})

test('what continuous delivery has no word for is not told', () => {
  assert.equal(cdevents.nameOf(event('datasets.appended', {})), undefined)
  assert.equal(cdevents.example('dev.cdevents.build.started.0.2.0', '2026-01-01T00:00:00.000Z'), undefined)
})
