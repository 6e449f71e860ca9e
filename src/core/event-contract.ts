import type { Static, TObject, TProperties, TSchema } from 'typebox'
import { object } from './contract.ts'

/** One type of event: what it is about, when it happens, and the fields of its data. */
export type EventType<Subject extends string = string, Data extends TObject = TObject> = {
  /** As text with at most one name in it: `model/<model>`, or `prices` for what there is only one of. */
  subjects: readonly Subject[]
  when: string
  data: Data
}

/** A domain's events by their full names, such as `delivery.rolled_back`. */
export type Events = Record<string, EventType>

/** A field that events of older versions lack is optional: whoever reads one is told so by its type. */
export function event<const Subject extends string, Fields extends TProperties>(
  subject: Subject | readonly Subject[],
  when: string,
  fields: Fields,
): EventType<Subject, TObject<Fields>> {
  return { subjects: typeof subject === 'string' ? [subject] : subject, when, data: object(fields) }
}

/** Audit log, feed and outbox in one: appended in the transaction of the change it tells of. */
export type Event = {
  seq: number
  at: string
  type: string
  subject: string
  actor: string
  cause: string
  data: Record<string, unknown>
}

export type SubjectOf<E extends EventType> = Filled<E['subjects'][number]>
type Filled<Pattern> = Pattern extends `${infer Before}<${string}>${infer After}`
  ? `${Before}${string}${After}`
  : Pattern

export type DataOf<E extends EventType> = E extends { data: infer Data extends TSchema } ? Static<Data> : never

/** An event of these types, or of one of them. */
export type EventOf<E extends Events, Type extends keyof E = keyof E> = Type extends keyof E & string
  ? Omit<Event, 'type' | 'subject' | 'data'> & { type: Type; subject: SubjectOf<E[Type]>; data: DataOf<E[Type]> }
  : never

/** Something for some types of event; a type that does not exist does not compile. */
export type ByType<E extends Events, Result> = { [Type in keyof E]?: (event: EventOf<E, Type>) => Result }

/** What a table by type says of an event that the worker has handed on, and so has checked by its contract. */
export function tellByType<E extends Events, Result>(table: ByType<E, Result>, event: Event): Result | undefined {
  if (!Object.hasOwn(table, event.type)) return undefined
  return (table[event.type] as ((event: Event) => Result) | undefined)?.(event)
}

/** The name in a subject: `flight-delay` in `model/flight-delay`. */
export function nameIn(subject: string): string {
  return subject.slice(subject.indexOf('/') + 1)
}

/** Whether a subject is written as one of the patterns says. */
export function isSubject(subject: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    const [before = '', after = ''] = pattern.split(/<[^>]*>/)
    if (!pattern.includes('<')) return subject === pattern
    return subject.startsWith(before) && subject.endsWith(after) && subject.length > before.length + after.length
  })
}
