import { Readable } from 'node:stream'
import { AppError } from '../../../core/errors.ts'
import type { SourceFile } from '../source.ts'
import { objects, text } from './json.ts'
import type { MlflowApi } from './open-api.ts'

const proxy = '/api/2.0/mlflow-artifacts'

/** The files below a location, where the server passes them on itself. */
export async function filesAt(api: MlflowApi, location: string): Promise<SourceFile[] | undefined> {
  const root = /^mlflow-artifacts:(?:\/\/[^/]*)?\/*(.*)$/.exec(location)?.[1]
  if (root === undefined) return undefined
  const found: SourceFile[] = []
  const waiting = ['']
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const path = folder === '' ? root : `${root}/${folder}`
    const { files } = await api.call(`${proxy}/artifacts?path=${encodeURIComponent(path)}`)
    for (const one of objects(files)) {
      const below = folder === '' ? text(one['path']) : `${folder}/${text(one['path'])}`
      if (one['is_dir'] === true) waiting.push(below)
      else
        found.push({ path: below, size: Number(one['file_size'] ?? 0), open: () => download(api, `${root}/${below}`) })
    }
  }
  return found
}

async function download({ base, ask }: MlflowApi, path: string): Promise<Readable> {
  const response = await ask(`${proxy}/artifacts/${path.split('/').map(encodeURIComponent).join('/')}`)
  if (!response.ok || !response.body)
    throw new AppError('upstream_failed', `"${base}" answered ${response.status} to "${path}".`, { name: path })
  return Readable.from(response.body)
}
