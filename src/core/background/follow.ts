import type { Context } from '../context.ts'

/** What another server may change, and this one keeps in memory. */
export type Follower = {
  name: string
  /** Milliseconds between two looks. */
  every: number
  /** Looks, and takes over what changed. A look that takes long holds back neither the next one nor other followers. */
  apply: (ctx: Context) => Promise<void>
}

/** Follows what other servers of the same database change; who is alone with it has nobody to follow. Returns how to stop. */
export function follow(ctx: Context, followers: readonly Follower[]): () => void {
  if (!ctx.engine.shared) return () => undefined
  const timers = followers.map(({ name, every, apply }) =>
    setInterval(() => {
      apply(ctx).catch((error: unknown) => ctx.log.error({ err: error, follower: name }, 'following failed'))
    }, every).unref(),
  )
  return () => {
    for (const timer of timers) clearInterval(timer)
  }
}
