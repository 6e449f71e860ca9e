import { AppError } from '../../../core/errors.ts'
import { type Json, objects, text } from './json.ts'

/** MLflow's API at one address. */
export type MlflowApi = {
  base: string
  /** Whatever it answers; a body makes it a POST. */
  ask(path: string, body?: Json): Promise<Response>
  /** The JSON of an answer; anything but success is refused. */
  call(path: string, body?: Json): Promise<Json>
  /** Every page of the list `name`. */
  pages(path: string, name: string, body: Json | URLSearchParams): AsyncGenerator<Json[]>
}

/** Name and password or a token may stand in the environment, as for MLflow's client. */
export function openApi(url: string, environment: NodeJS.ProcessEnv): MlflowApi {
  const base = url.replace(/\/+$/, '')
  const headers = credentials(environment)

  async function ask(path: string, body?: Json): Promise<Response> {
    const sent = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
    try {
      return await fetch(`${base}${path}`, { ...sent, headers: { 'content-type': 'application/json', ...headers } })
    } catch (cause) {
      throw new AppError('unreachable', `"${base}" does not answer.`, { name: base, cause })
    }
  }

  async function call(path: string, body?: Json): Promise<Json> {
    const response = await ask(path, body)
    const text = await response.text()
    if (!response.ok)
      throw new AppError('upstream_failed', `"${base}" answered ${response.status} to ${path}: ${text.slice(0, 300)}`, {
        name: base,
      })
    return JSON.parse(text) as Json
  }

  async function* pages(path: string, name: string, body: Json | URLSearchParams): AsyncGenerator<Json[]> {
    for (let token = ''; ; ) {
      let page: Json
      if (body instanceof URLSearchParams) {
        if (token !== '') body.set('page_token', token)
        page = await call(`${path}?${body}`)
      } else page = await call(path, token === '' ? body : { ...body, page_token: token })
      yield objects(page[name])
      token = text(page['next_page_token'])
      if (token === '') return
    }
  }

  return { base, ask, call, pages }
}

function credentials(environment: NodeJS.ProcessEnv): Record<string, string> {
  const {
    MLFLOW_TRACKING_TOKEN: token,
    MLFLOW_TRACKING_USERNAME: name,
    MLFLOW_TRACKING_PASSWORD: password,
  } = environment
  if (token) return { authorization: `Bearer ${token}` }
  if (!name) return {}
  return { authorization: `Basic ${Buffer.from(`${name}:${password ?? ''}`).toString('base64')}` }
}
