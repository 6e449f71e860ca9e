import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { App } from '../../app.ts'
import { type Client, createClient } from '../../client/client.ts'
import type { Api } from '../../contract.ts'
import type { Config, ResolvedConfig } from '../../core/config.ts'
import { AppError, hasCode } from '../../core/errors.ts'
import { readOwner } from '../../core/lock.ts'
import { demoFolder } from './project-folder.ts'

/** The typed client of a server, and its address. */
export type Connection = { client: Client<Api>; url: string; close(): Promise<void> }
/** From where a command looks for its server. */
type Caller = { root: string; hasProject: boolean; settings(): Promise<ResolvedConfig> }

/** Who answers: a server, another command that has the folder for a while, or the same app in this process. */
type ServerAddress = { url: string; passing?: boolean; key?: string | undefined; app?: App }

const answerMilliseconds = 3_000
/** So long a command waits for another one that has the folder, and for a server that is starting. */
const patienceMilliseconds = 10_000
const pauseMilliseconds = 50

export async function connect(caller: Caller): Promise<Connection> {
  const { config } = await caller.settings()
  const find = () => (config.server === '' ? findServer(caller, config) : named(config.server))
  let answering = await find()
  const { routesOf } = await import('../../client/routes.ts')
  const { api } = await import('../../contract.ts')

  const { url } = answering
  const client = createClient<Api>(routesOf(api), { url, token: config.token || undefined, fetch: follow })
  return { client, url, close: async () => answering.app?.close() }

  /** Who may read the server's folder is let in by the key that lies there; a token that was given says more. */
  function headersOf(init: RequestInit = {}): Headers {
    const headers = new Headers(init.headers)
    if (answering.key !== undefined && !headers.has('authorization'))
      headers.set('authorization', `Bearer ${answering.key}`)
    return headers
  }

  /** A command that served this folder may be done now: then whoever is next answers. A server that is gone is gone. */
  async function follow(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const giveUp = performance.now() + patienceMilliseconds
    for (;;) {
      try {
        return await fetch(String(input).replace(url, answering.url), { ...init, headers: headersOf(init) })
      } catch (error) {
        if (!answering.passing || !mayAskAgain(error, init?.method) || performance.now() > giveUp) throw error
      }
      answering = await find()
    }
  }
}

async function named(server: string): Promise<ServerAddress> {
  const url = server.replace(/\/+$/, '')
  if (await answers(url)) return { url }
  throw new AppError('unreachable', `No server answers at "${url}".`, { name: url, hint: 'Start one with "keel up".' })
}

async function findServer(caller: Caller, config: Config): Promise<ServerAddress> {
  const folder = resolve(caller.root, config.data)
  const giveUp = performance.now() + patienceMilliseconds
  for (;;) {
    const owner = readOwner(folder)
    if (owner && (await answers(owner.url))) return { url: owner.url, passing: owner.passing === true, key: owner.key }
    if (!caller.hasProject) return withoutProject(config)
    try {
      return await inProcess(caller, config)
    } catch (error) {
      const taken = error instanceof AppError && error.code === 'data_folder_in_use'
      if (!taken || performance.now() > giveUp) throw error
    }
    await sleep(pauseMilliseconds)
  }
}

async function withoutProject(config: Config): Promise<ServerAddress> {
  const url = `http://${config.host}:${config.port}`
  if (await answers(url)) return { url }
  throw new AppError('usage', 'There is no project here and no server answers.', {
    hint: `Run "keel init" to start a project, "keel demo" to see one (it makes ${demoFolder}/), or name a server with --server.`,
  })
}

/** No server runs: the same app, in this process, on the same folder, for as long as the command lasts. */
async function inProcess(caller: Caller, config: Config): Promise<ServerAddress> {
  const { createApp } = await import('../../app.ts')
  const app = await createApp({ config: { ...config, host: '127.0.0.1' }, root: caller.root })
  return { url: await app.listen({ port: 0, passing: true }), app }
}

export async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/api/v1/info`, { signal: AbortSignal.timeout(answerMilliseconds) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}

/** Where nobody listens nothing was done; what was cut off in the middle is asked again only if it changes nothing. */
function mayAskAgain(error: unknown, method = 'GET'): boolean {
  if (!(error instanceof TypeError)) return false
  const { cause } = error
  return method === 'GET' || hasCode(cause, 'ECONNREFUSED')
}
