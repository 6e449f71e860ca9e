import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { modelVersion, type Outcome, type Session } from '../kit/kit.ts'
import { getArtifact } from './artifact-files.ts'

/** Models and prompts have their aliases in common. */
export async function changeAlias(session: Session, given: string, alias: string, remove: boolean): Promise<Outcome> {
  const client = await session.client()
  if (remove) {
    const model = given.replace(/@v?\d+$/, '')
    await client.registry.deleteAlias({ model, alias })
    return { data: { model, alias, version: null }, text: `${model}@${alias} removed.` }
  }
  const { model, version } = modelVersion(given)
  await client.registry.setAlias({ model, alias, version })
  return { data: { model, alias, version }, text: `${model}@${alias} is version ${version}.` }
}

/** version.json beside the bytes: what somebody needs who has only the folder. */
export async function exportVersion(session: Session, given: string, to: string | undefined): Promise<Outcome> {
  const client = await session.client()
  const key = modelVersion(given)
  const version = await client.registry.getVersion(key)
  const lineage = await client.registry.lineage(key)
  const named = to ?? `${key.model}-${key.version}`
  const folder = resolve(session.io.cwd, named)
  await mkdir(folder, { recursive: true })
  const files = version.artifact === null ? [] : await getArtifact(client, version.artifact, join(folder, 'files'))
  if (version.prompt !== null) await writeFile(join(folder, 'prompt.txt'), version.prompt)
  await writeFile(join(folder, 'version.json'), `${JSON.stringify({ version, lineage }, null, 2)}\n`)
  return {
    data: { folder, files: files.length, version: key.version },
    text: `${key.model}@${key.version} written to ${named}: version.json${version.prompt === null ? '' : ', prompt.txt'}${files.length > 0 ? ` and ${files.length} files` : ''}.`,
  }
}
