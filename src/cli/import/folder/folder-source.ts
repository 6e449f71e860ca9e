import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join, relative, sep } from 'node:path'
import { parse } from 'yaml'
import { invalidInput } from '../../../core/errors.ts'
import { isMlmodel, isPrompt, type ModelSource, type SourceModel, toIso, toStage } from '../source.ts'

type Fields = Record<string, unknown>
type Version = SourceModel['versions'][number]

/** Files that a folder may hold before the search for models in it ends. */
const mostFiles = 200_000

/**
 * A folder of MLflow's: the store of an older client (`mlruns`), whose registered models are files, or any folder with MLmodel
 * files below it, of which each is a version of the model that its folder is named like.
 */
export function openFolderSource(root: string): ModelSource {
  const described = mlmodelsBelow(root)
  const registered = registeredIn(root)
  return {
    name: root,
    close: () => undefined,
    async *models() {
      yield* registered.length > 0 ? registered : modelsOf(root, described)
    },
    async mlmodel(_, { uri }) {
      const place = described.find((folder) => uri === folder || isPlaceOf(uri, folder))
      const path = place === undefined ? undefined : join(root, place, 'MLmodel')
      if (path === undefined || statSync(path).size > 1_000_000) return undefined
      const text = readFileSync(path, 'utf8')
      return isMlmodel(text) ? text : undefined
    },
    run: async (id) => runIn(root, id),
  }
}

/** Folders with an MLmodel file, relative to the root, with `/` between names. */
function mlmodelsBelow(root: string): string[] {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true })
  if (entries.length > mostFiles)
    throw invalidInput(`"${root}" holds more than ${mostFiles} files.`, {
      name: root,
      hint: 'Name the folder of its models.',
    })
  return entries
    .filter((entry) => entry.isFile() && entry.name === 'MLmodel')
    .map((entry) => relative(root, entry.parentPath).split(sep).join('/'))
    .sort()
}

/** A folder that was moved still ends like the place that it was written to; a logged model is found by its id. */
function isPlaceOf(uri: string, folder: string): boolean {
  const logged = /^models:\/(m-[0-9a-f]{32})/.exec(uri)?.[1]
  if (logged !== undefined) return folder.split('/').includes(logged)
  const inRun = /^runs:\/([^/]+)\/(.*)$/.exec(uri)
  const place = inRun ? `${inRun[1]}/artifacts/${inRun[2]}` : uri
  return folder !== '' && (`/${folder}`.endsWith(`/${place}`) || place.endsWith(`/${folder}`))
}

/** What a store of files has registered: `models/<name>/meta.yaml` and a folder for each version. */
function registeredIn(root: string): SourceModel[] {
  const folder = join(root, 'models')
  return foldersIn(folder).flatMap((name) => {
    const meta = metaOf(join(folder, name))
    if (!meta) return []
    const versions = foldersIn(join(folder, name)).flatMap((version) => {
      const fields = /^version-\d+$/.test(version) ? metaOf(join(folder, name, version)) : undefined
      return fields ? [versionOf(fields)] : []
    })
    const tags = filesIn(join(folder, name, 'tags'))
    const aliases = filesIn(join(folder, name, 'aliases'))
    return [
      {
        ...nothing(String(meta['name'] ?? name)),
        kind: isPrompt(tags) ? ('prompt' as const) : ('model' as const),
        description: String(meta['description'] ?? ''),
        tags,
        aliases: Object.fromEntries(Object.entries(aliases).map(([alias, version]) => [alias, Number(version)])),
        versions: versions.sort((a, b) => a.version - b.version),
      },
    ]
  })
}

function versionOf(fields: Fields): Version {
  const run = String(fields['run_id'] ?? '')
  return {
    version: Number(fields['version']),
    uri: String(fields['storage_location'] ?? fields['source'] ?? ''),
    ...(run === '' ? {} : { run }),
    user: String(fields['user_id'] ?? ''),
    stage: toStage(String(fields['current_stage'] ?? '')),
    description: String(fields['description'] ?? ''),
    tags: {},
    createdAt: toIso(Number(fields['creation_timestamp'] ?? 0)),
    updatedAt: toIso(Number(fields['last_updated_timestamp'] ?? 0)),
  }
}

/** Nobody registered them: each folder's own name, where it is one. */
function modelsOf(root: string, described: string[]): SourceModel[] {
  const byName = Map.groupBy(described, (folder) => nameOf(root, folder))
  return [...byName].map(([name, folders]) => ({
    ...nothing(name),
    versions: folders.map((uri, index) => versionOf({ version: index + 1, source: uri })),
  }))
}

/** `model` and `artifacts` and ids name nothing: then the folder above does. */
function nameOf(root: string, folder: string): string {
  const parts = folder.split('/').filter((part) => part !== '')
  const says = (part: string) => !/^(?:models?|artifacts|\d+|(?:m-)?[0-9a-f]{32})$/.test(part)
  return parts.reverse().find(says) ?? parts[0] ?? basename(root)
}

function nothing(name: string): SourceModel {
  const never = toIso(0)
  return {
    name,
    kind: 'model',
    description: '',
    tags: {},
    aliases: {},
    createdAt: never,
    updatedAt: never,
    versions: [],
  }
}

async function runIn(root: string, id: string): ReturnType<ModelSource['run']> {
  const [path] = /^[0-9a-f]{32}$/.test(id) ? foldersIn(root).filter((name) => existsSync(join(root, name, id))) : []
  const folder = path === undefined ? undefined : join(root, path, id)
  const meta = folder === undefined ? undefined : metaOf(folder)
  if (folder === undefined || !meta) return undefined
  return {
    id,
    name: String(meta['run_name'] ?? ''),
    user: String(meta['user_id'] ?? ''),
    status: 'finished',
    startedAt: Number(meta['start_time'] ?? 0),
    endedAt: null,
    deleted: false,
    params: {},
    tags: filesIn(join(folder, 'tags')),
    location: String(meta['artifact_uri'] ?? ''),
    datasets: [],
    modelInputs: [],
    modelOutputs: [],
    measured: existsSync(join(folder, 'metrics')) ? readdirSync(join(folder, 'metrics')).sort() : [],
  }
}

function metaOf(folder: string): Fields | undefined {
  const path = join(folder, 'meta.yaml')
  if (!existsSync(path)) return undefined
  try {
    const found: unknown = parse(readFileSync(path, 'utf8'))
    return typeof found === 'object' && found !== null ? (found as Fields) : undefined
  } catch (cause) {
    throw invalidInput(`"${path}" is no YAML.`, { name: path, cause })
  }
}

function foldersIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  const entries = readdirSync(folder, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
}

/** A file for each tag or alias, with its value. */
function filesIn(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {}
  const entries = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile())
  return Object.fromEntries(
    entries.map(({ name }) => [name, readFileSync(join(folder, name), 'utf8').trim().slice(0, 1000)]),
  )
}
