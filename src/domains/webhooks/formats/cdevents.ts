import type { Event } from '../../../core/work/work.ts'
import type { Format } from './format.ts'
import { exampleEvent, standardHeaders } from './generic.ts'

/** CDEvents 0.4.1 (cdevents.dev), inside a CloudEvent in structured mode. */
const specVersion = '0.4.1'
const eventVersion = '0.2.0'
const source = '/evenkeel'
const environment = { id: 'production', source }

type Subject = { type: string; id: string; content: Record<string, unknown> }
type Telling = { predicate: string; subject: Subject }

const outcomes: Record<string, string> = { pass: 'pass', fail: 'fail', cannot_tell: 'error', error: 'error' }

/** What delivery, gates and alerts are in the words of continuous delivery; everything else has none. */
function tell({ type, subject, data }: Event): Telling | undefined {
  const model = subject.replace(/^model\//, '')
  const service = (predicate: string): Telling => ({
    predicate,
    subject: { type: 'service', id: model, content: { environment, artifactId: purl(model, data['version']) } },
  })
  const incident = (predicate: string): Telling => ({
    predicate,
    subject: {
      type: 'incident',
      id: String(data['alert']),
      content: {
        description: String(data['summary'] ?? data['signal'] ?? ''),
        environment,
        service: { id: model, source },
      },
    },
  })
  switch (type) {
    case 'delivery.step_started':
      return service('deployed')
    case 'delivery.promoted':
      return service('upgraded')
    case 'delivery.rolled_back':
      return service('rolledback')
    case 'delivery.aborted':
      return service('removed')
    case 'monitoring.alert_fired':
      return incident('detected')
    case 'monitoring.alert_resolved':
      return incident('resolved')
    case 'evaluation.gate_decided':
      return {
        predicate: 'finished',
        subject: {
          type: 'testSuiteRun',
          id: String(data['gate']),
          content: {
            environment,
            outcome: outcomes[String(data['verdict'])] ?? 'error',
            reason: String(data['summary'] ?? ''),
          },
        },
      }
    default:
      return undefined
  }
}

function purl(model: string, version: unknown): string {
  return `pkg:generic/${encodeURIComponent(model)}@${encodeURIComponent(String(version))}`
}

function nameOf({ predicate, subject }: Telling): string {
  return `dev.cdevents.${subject.type.toLowerCase()}.${predicate}.${eventVersion}`
}

export const cdevents: Format = {
  nameOf: (event) => {
    const told = tell(event)
    return told && nameOf(told)
  },
  render: (event) => {
    const told = tell(event)
    if (!told) throw new Error(`CDEvents have no word for "${event.type}".`)
    const type = nameOf(told)
    const id = String(event.seq)
    const context = { version: specVersion, id, source, type, timestamp: event.at }
    const customData = { type: event.type, actor: event.actor, ...event.data }
    return {
      contentType: 'application/cloudevents+json; charset=utf-8',
      body: JSON.stringify({
        specversion: '1.0',
        id,
        source,
        type,
        subject: told.subject.id,
        time: event.at,
        datacontenttype: 'application/json',
        data: {
          context,
          subject: { ...told.subject, source },
          customData,
          customDataContentType: 'application/json',
        },
      }),
    }
  },
  headers: standardHeaders,
  example: (name, at) => {
    const event = {
      ...exampleEvent('delivery.promoted', at),
      subject: 'model/example',
      data: { release: 'example.r1', version: 1 },
    }
    const promoted = tell(event)
    return name === undefined || (promoted && name === nameOf(promoted)) ? event : undefined
  },
}
