import { fileURLToPath } from 'node:url'
import type { Context } from '../../src/core/context.ts'
import { createLogger } from '../../src/core/log.ts'
import { startChild } from '../../src/domains/registry/runtimes/child.ts'

/** Starts a model server as the gateway does, prints its process id, and stays. */
const file = fileURLToPath(new URL('scorer.ts', import.meta.url))
const ctx = { root: process.cwd(), log: createLogger('silent') } as Context
const child = startChild(ctx, { name: 'trips@1', command: [process.execPath, file, '0'], environment: [] })
console.log(String(child.pid))
setInterval(() => undefined, 1_000)
