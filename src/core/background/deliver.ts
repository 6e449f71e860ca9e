import type { Context } from '../context.ts'
import type { Event, EventOf, Events } from '../event-contract.ts'
import { transaction } from '../transaction.ts'
import { readStored } from '../validate.ts'
import { markDelivered, undelivered } from './events.ts'

/** Run in the transaction that marks the event as delivered: exactly once in their database effects. */
type Reaction<DeliveryContracts> = (ctx: Context, event: DeliveryContracts) => Promise<void>

/** What follows each type of event, and `*` whatever happens; a type that does not exist does not compile. */
export type Reactions<E extends Events> = { [Type in keyof E]?: Reaction<EventOf<E, Type>>[] } & {
  '*'?: Reaction<Event>[]
}

type DeliveryContracts<E extends Events> = { events: E; reactions: Reactions<E> }

const outboxBatch = 200

/**
 * All that wait in one transaction. When one fails, each in its own: that one is tried again later, the others go on. Tells
 * whether anything was delivered.
 */
export async function deliver<E extends Events>(ctx: Context, contracts: DeliveryContracts<E>): Promise<boolean> {
  const events = await undelivered(ctx, outboxBatch)
  if (events.length === 0) return false
  try {
    await transaction(ctx, async (ctx) => {
      for (const event of events) await react(ctx, contracts, event)
    })
    return true
  } catch (error) {
    ctx.log.warn({ err: error }, 'events are delivered one by one')
  }
  let delivered = 0
  for (const event of events) {
    try {
      await transaction(ctx, (ctx) => react(ctx, contracts, event))
      delivered += 1
    } catch (error) {
      ctx.log.error({ err: error, event: event.seq, type: event.type }, 'a reaction failed')
    }
  }
  return delivered > 0
}

async function react<E extends Events>(outer: Context, contracts: DeliveryContracts<E>, event: Event): Promise<void> {
  const ctx = { ...outer, cause: `reaction to ${event.type}` }
  if (!(await markDelivered(ctx, event.seq))) return
  for (const reaction of reactionsTo(ctx, contracts, event)) await reaction(ctx, event)
}

/** Trying again would not make an event fit its contract: it is passed over, and the log says so. */
export function reactionsTo<E extends Events>(
  ctx: Context,
  { events, reactions }: DeliveryContracts<E>,
  event: Event,
): Reaction<Event>[] {
  const contract = events[event.type]
  try {
    if (contract) readStored(contract.data, event.data, `The event ${event.type}`)
  } catch (error) {
    ctx.log.error({ err: error, event: event.seq, type: event.type }, 'an event is not as its contract says')
    return []
  }
  const own = contract && (reactions[event.type] as Reaction<Event>[] | undefined)
  return [...(own ?? []), ...(reactions['*'] ?? [])]
}
