import type { Client } from '../../../client/client.ts'
import type { Api } from '../../../contract.ts'
import type { SourceModel } from '../source.ts'
import type { Count } from './counts.ts'
import type { Places, Transfer } from './transfer.ts'

/** Registered models with their versions and aliases; their bytes have arrived with runs and logged models. */
export async function importModels({ source, client, places }: Transfer): Promise<Count[]> {
  const found = { models: 0, versions: 0, aliases: 0 }
  const kept = { models: 0, versions: 0, aliases: 0 }
  for await (const model of source.models()) {
    const versions = model.versions.map((version) => placed(version, places))
    const { live: _, ...aliases } = model.aliases
    const saved = await client.registry.importModel({ ...model, versions, aliases })
    found.models += 1
    found.versions += versions.length
    found.aliases += Object.keys(aliases).length
    kept.models += 1
    kept.versions += await versionsHere(client, model)
    kept.aliases += Object.keys(aliases).filter((alias) => saved.aliases[alias] === aliases[alias]).length
  }
  return [
    { what: 'registered models', source: found.models, here: kept.models },
    { what: 'model versions', source: found.versions, here: kept.versions },
    { what: 'aliases', source: found.aliases, here: kept.aliases },
  ]
}

async function versionsHere(client: Client<Api>, { name, versions }: SourceModel): Promise<number> {
  const here = new Set<number>()
  for (let cursor: string | undefined; ; ) {
    const page = await client.registry.listVersions({ model: name, limit: 1000, cursor })
    for (const { version } of page.items) here.add(version)
    cursor = page.next
    if (cursor === undefined) return versions.filter(({ version }) => here.has(version)).length
  }
}

/** A version names its bytes by where they were; here they lie elsewhere. */
function placed(version: SourceModel['versions'][number], places: Places): SourceModel['versions'][number] {
  if (version.prompt !== undefined) return version
  const logged = /^models:\/(m-[0-9a-f]{32})/.exec(version.uri)?.[1]
  if (logged !== undefined) {
    const to = places.get(logged)?.to
    return { ...version, loggedModel: logged, ...pathOf(to) }
  }
  const place = version.run === undefined ? undefined : places.get(version.run)
  if (!place) return version
  const inRun = version.uri.startsWith('runs:/') ? version.uri.replace(/^runs:\/[^/]+/, place.from) : version.uri
  if (!inRun.startsWith(place.from)) return version
  const to = place.to + inRun.slice(place.from.length)
  return { ...version, uri: to, ...pathOf(to) }
}

function pathOf(location: string | undefined): { path?: string } {
  const path = location?.startsWith('mlflow-artifacts:') ? location.replace(/^mlflow-artifacts:\/*/, '') : undefined
  return path === undefined ? {} : { path }
}
