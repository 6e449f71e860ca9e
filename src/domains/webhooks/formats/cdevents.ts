import { type ByType, type Event, nameIn, tellByType } from '../../../core/event-contract.ts'
import type { events as delivery } from '../../delivery/events.ts'
import type { events as evaluation } from '../../evaluation/events.ts'
import type { events as monitoring } from '../../monitoring/events.ts'
import { type Example, exampleOf } from './example.ts'
import type { Format } from './format.ts'
import { standardHeaders } from './generic.ts'

/** CDEvents 0.4.1 (cdevents.dev), inside a CloudEvent in structured mode. */
const specVersion = '0.4.1'
const eventVersion = '0.2.0'
const source = '/evenkeel'
const environment = { id: 'production', source }

type Subject = { type: string; id: string; content: Record<string, unknown> }
type CdEvent = { predicate: string; subject: Subject }

const outcomes = { pass: 'pass', fail: 'fail', cannot_tell: 'error', error: 'error' }

/** What delivery, gates and alerts are in the words of continuous delivery; everything else has none. */
const words: ByType<typeof delivery & typeof evaluation & typeof monitoring, CdEvent> = {
  'delivery.step_started': ({ subject, data }) => service('deployed', subject, data.version),
  'delivery.promoted': ({ subject, data }) => service('upgraded', subject, data.version),
  'delivery.rolled_back': ({ subject, data }) => service('rolledback', subject, data.version),
  'delivery.aborted': ({ subject, data }) => service('removed', subject, data.version),
  'monitoring.alert_fired': ({ subject, data }) => incident('detected', subject, data.alert, data.summary),
  'monitoring.alert_resolved': ({ subject, data }) => incident('resolved', subject, data.alert, data.signal),
  'evaluation.gate_decided': ({ data }) => ({
    predicate: 'finished',
    subject: {
      type: 'testSuiteRun',
      id: data.gate,
      content: { environment, outcome: outcomes[data.verdict], reason: data.summary },
    },
  }),
}

function service(predicate: string, subject: string, version: number): CdEvent {
  const model = nameIn(subject)
  const artifactId = `pkg:generic/${encodeURIComponent(model)}@${version}`
  return { predicate, subject: { type: 'service', id: model, content: { environment, artifactId } } }
}

function incident(predicate: string, subject: string, alert: string, description: string): CdEvent {
  const content = { description, environment, service: { id: nameIn(subject), source } }
  return { predicate, subject: { type: 'incident', id: alert, content } }
}

function nameOf({ predicate, subject }: CdEvent): string {
  return `dev.cdevents.${subject.type.toLowerCase()}.${predicate}.${eventVersion}`
}

export const cdevents: Format = {
  nameOf: (event) => {
    const told = tellByType(words, event)
    return told && nameOf(told)
  },
  render: (event) => {
    const told = tellByType(words, event)
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
    const event: Event = exampleOf(promoted, at)
    const told = tellByType(words, event)
    return name === undefined || (told && name === nameOf(told)) ? event : undefined
  },
}

const promoted: Example<typeof delivery> = {
  type: 'delivery.promoted',
  data: { release: 'example.r1', version: 1, reason: 'An example' },
}
