import { AppError, invalidInput } from '../../../core/errors.ts'
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

/** Name and password or a token may stand in the environment or in the address, as for MLflow's client; neither is ever shown. */
export function openApi(url: string, environment: NodeJS.ProcessEnv): MlflowApi {
  const { base, headers } = addressOf(url, environment)

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
    const json = jsonOf(text)
    if (!response.ok || json === undefined) throw refusal(base, path, response, text, json !== undefined)
    return json
  }

  async function* pages(path: string, name: string, body: Json | URLSearchParams): AsyncGenerator<Json[]> {
    for (let token = ''; ; ) {
      let page: Json
      if (body instanceof URLSearchParams) {
        if (token !== '') body.set('page_token', token)
        page = await call(`${path}?${body}`)
      } else page = await call(path, token === '' ? body : { ...body, page_token: token })
      yield objects(page[name])
      const next = text(page['next_page_token'])
      if (next === '') return
      if (next === token)
        throw new AppError('upstream_failed', `"${base}" answers the same page of ${path} again and again.`, {
          name: base,
        })
      token = next
    }
  }

  return { base, ask, call, pages }
}

function jsonOf(text: string): Json | undefined {
  try {
    const found: unknown = JSON.parse(text)
    return typeof found === 'object' && found !== null && !Array.isArray(found) ? (found as Json) : undefined
  } catch {
    // The caller says what came instead.
    return undefined
  }
}

/** A page for people is not repeated: what matters is that it is none of MLflow's answers. */
function refusal(base: string, path: string, { status }: Response, text: string, isJson: boolean): AppError {
  if (status === 401 || status === 403)
    return new AppError('upstream_failed', `"${base}" does not let this user in: it answered ${status} to ${path}.`, {
      name: base,
      hint: 'Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN.',
    })
  const isPage = /^\s*</.test(text)
  if (!isJson && (isPage || status === 404 || status < 300))
    return new AppError(
      'upstream_failed',
      `"${base}" is no MLflow server: it answered ${status} to ${path} with ${isPage ? 'a page of HTML' : 'something that is no JSON object'}.`,
      { name: base, hint: 'Give the address that MLFLOW_TRACKING_URI has, with its path where it has one.' },
    )
  return new AppError('upstream_failed', `"${base}" answered ${status} to ${path}: ${text.slice(0, 300)}`, {
    name: base,
  })
}

function addressOf(url: string, environment: NodeJS.ProcessEnv): { base: string; headers: Record<string, string> } {
  const base = url.replace(/\/+$/, '')
  const headers = credentials(environment)
  if (!URL.canParse(base)) throw invalidInput('This is no address.', { hint: 'Write it as http://host:5000.' })
  const address = new URL(base)
  const [name, password] = [address.username, address.password].map(decodeURIComponent)
  if (!name) return { base, headers }
  address.username = ''
  address.password = ''
  return { base: address.href.replace(/\/+$/, ''), headers: basic(name, password) }
}

/** In MLflow's client, too, a name with a password is stronger than a token. */
function credentials(environment: NodeJS.ProcessEnv): Record<string, string> {
  const {
    MLFLOW_TRACKING_TOKEN: token,
    MLFLOW_TRACKING_USERNAME: name,
    MLFLOW_TRACKING_PASSWORD: password,
  } = environment
  if (name && password) return basic(name, password)
  return token ? { authorization: `Bearer ${token}` } : {}
}

function basic(name: string, password = ''): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` }
}
