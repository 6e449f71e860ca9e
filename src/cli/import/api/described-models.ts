import { type DescribedModels, isMlmodel } from '../source.ts'
import { object, objects, text } from './json.ts'
import type { MlflowApi } from './open-api.ts'
import { toRun } from './shapes.ts'

const v2 = '/api/2.0/mlflow'

/** What a server knows of a version: by the address that MLflow's own screens ask, else by where its bytes lie. */
export function describedModels({ ask }: MlflowApi): DescribedModels {
  async function found(path: string): Promise<string | undefined> {
    const response = await ask(path)
    const body = await response.text()
    return response.ok ? body : undefined
  }

  async function mlmodelAt(path: string): Promise<string | undefined> {
    const body = await found(path)
    return body !== undefined && isMlmodel(body) ? body : undefined
  }

  return {
    async mlmodel(name, { version }) {
      const which = new URLSearchParams({ name, version: String(version) })
      const shown = await mlmodelAt(`/model-versions/get-artifact?${which}&path=MLmodel`)
      if (shown !== undefined) return shown
      const place = text(jsonOf(await found(`${v2}/model-versions/get-download-uri?${which}`))['artifact_uri'])
      const proxied = /^mlflow-artifacts:(?:\/\/[^/]*)?\/*(.+)$/.exec(place)?.[1]
      if (proxied === undefined) return undefined
      const path = proxied.split('/').map(encodeURIComponent).join('/')
      return mlmodelAt(`/api/2.0/mlflow-artifacts/artifacts/${path}/MLmodel`)
    },
    async run(id) {
      const { run } = jsonOf(await found(`${v2}/runs/get?${new URLSearchParams({ run_id: id })}`))
      if (run === undefined) return undefined
      const measured = objects(object(object(run)['data'])['metrics']).map(({ key }) => text(key))
      return { ...toRun(object(run)), measured }
    },
  }
}

/** Whoever deleted a run, or may not read it, leaves nothing known of it. */
function jsonOf(body: string | undefined): Record<string, unknown> {
  try {
    return object(JSON.parse(body ?? '{}'))
  } catch {
    return {}
  }
}
