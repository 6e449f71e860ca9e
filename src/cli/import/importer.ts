import type { Client } from '../../client/client.ts'
import type { Api } from '../../contract.ts'
import { AppError } from '../../core/errors.ts'
import type { MlflowSource, Point, SourceFile, SourceLoggedModel, SourceModel, SourceRun } from './source.ts'

/** What was found at the source beside what is kept here now. */
export type Count = { what: string; source: number; here: number }

type Options = {
  source: MlflowSource
  client: Client<Api>
  /** Sends the bytes of one file to a path in our tree of artifacts. */
  putFile(path: string, file: SourceFile): Promise<void>
  onProgress(done: number, note: string): void
}

export type Summary = { counts: Count[]; skipped: number; elsewhere: number }

const pointsPerCall = 20_000
const idsPerCall = 1000

/** Everything in an order in which each thing finds what it points at. What is complete from an earlier try is passed over. */
export async function importMlflow({ source, client, putFile, onProgress }: Options): Promise<Summary> {
  const found = { experiments: 0, runs: 0, params: 0, tags: 0, points: 0, loggedModels: 0, files: 0, bytes: 0 }
  const kept = { experiments: 0, loggedModels: 0, files: 0, bytes: 0 }
  const places = new Map<string, { from: string; to: string }>()
  const runIds: string[] = []
  let skipped = 0
  let elsewhere = 0

  async function copyFiles(files: SourceFile[] | undefined, to: string): Promise<{ files: number; bytes: number }> {
    if (files === undefined) elsewhere += 1
    const folder = to.replace(/^mlflow-artifacts:\/*/, '')
    let bytes = 0
    for (const file of files ?? []) {
      await putFile(`${folder}/${file.path}`, file)
      bytes += file.size
    }
    return { files: files?.length ?? 0, bytes }
  }

  function count(copied: { files: number; bytes: number }): void {
    for (const total of [found, kept]) {
      total.files += copied.files
      total.bytes += copied.bytes
    }
  }

  async function loggedModels(experiment: string, models: SourceLoggedModel[]): Promise<void> {
    const marks = await marksOf(models.map(({ id }) => id))
    for (const model of models) {
      const { location, ...given } = model
      const files = await source.files(location)
      const { items } = await client.runs.importLoggedModels({
        experiment,
        models: [files === undefined ? { ...given, location } : given],
      })
      const to = items[0]?.location ?? ''
      places.set(model.id, { from: location, to })
      found.loggedModels += 1
      kept.loggedModels += items.length
      const mark = `${model.status} ${model.updatedAt}`
      const known = readMark(marks.get(model.id))
      if (known?.mark === mark) {
        count(known)
        continue
      }
      const copied = await copyFiles(files, to)
      count(copied)
      await client.runs.markImported({ items: [{ id: model.id, mark: writeMark({ mark, points: 0, ...copied }) }] })
    }
  }

  async function runs(experiment: string, page: SourceRun[]): Promise<void> {
    const marks = await marksOf(page.map(({ id }) => id))
    for (const run of page) {
      const params = Object.keys(run.params).length
      const tags = Object.keys(run.tags).length
      const mark = `${run.status} ${run.endedAt} ${run.deleted} ${params} ${tags}`
      const known = readMark(marks.get(run.id))
      found.runs += 1
      found.params += params
      found.tags += tags
      runIds.push(run.id)
      if (known?.mark === mark && run.status !== 'running') {
        found.points += known.points
        count(known)
        places.set(run.id, { from: run.location, to: known.to })
        skipped += 1
      } else await wholeRun(experiment, run, mark)
      onProgress(found.runs, run.name)
    }
  }

  async function wholeRun(experiment: string, run: SourceRun, mark: string): Promise<void> {
    const { location, ...given } = run
    const files = await source.files(location)
    let to = ''
    let points = 0
    const send = async (metrics: Point[]) => {
      const { items } = await client.runs.importRuns({
        experiment,
        runs: [{ ...given, metrics, ...(files === undefined ? { location } : {}) }],
      })
      to = items[0]?.location ?? ''
    }
    for await (const some of source.points(run)) {
      for (let at = 0; at < some.length; at += pointsPerCall) await send(some.slice(at, at + pointsPerCall))
      points += some.length
    }
    if (points === 0) await send([])
    found.points += points
    places.set(run.id, { from: location, to })
    const copied = await copyFiles(files, to)
    count(copied)
    await client.runs.markImported({ items: [{ id: run.id, mark: writeMark({ mark, points, ...copied, to }) }] })
  }

  async function marksOf(ids: string[]): Promise<Map<string, string>> {
    const { items } = await client.runs.importMarks({ ids })
    return new Map(items.map(({ id, mark }) => [id, mark]))
  }

  for await (const { id, ...experiment } of source.experiments()) {
    const { id: ours } = await client.runs.importExperiment(experiment)
    found.experiments += 1
    kept.experiments += 1
    for await (const page of source.loggedModels(id)) await loggedModels(ours, page)
    for await (const page of source.runs(id)) await runs(ours, page)
  }
  const registry = await models(source, client, places)
  const here = { runs: 0, params: 0, tags: 0, points: 0 }
  for (let at = 0; at < runIds.length; at += idsPerCall) {
    const some = await client.runs.countRuns({ runs: runIds.slice(at, at + idsPerCall) })
    for (const name of ['runs', 'params', 'tags', 'points'] as const) here[name] += some[name]
  }
  return {
    skipped,
    elsewhere,
    counts: [
      { what: 'experiments', source: found.experiments, here: kept.experiments },
      { what: 'runs', source: found.runs, here: here.runs },
      { what: 'params', source: found.params, here: here.params },
      { what: 'tags of runs', source: found.tags, here: here.tags },
      { what: 'metric values', source: found.points, here: here.points },
      { what: 'logged models', source: found.loggedModels, here: kept.loggedModels },
      { what: 'artifact files', source: found.files, here: kept.files },
      { what: 'artifact bytes', source: found.bytes, here: kept.bytes },
      ...registry,
    ],
  }
}

type Places = Map<string, { from: string; to: string }>

async function models(source: MlflowSource, client: Client<Api>, places: Places): Promise<Count[]> {
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

type Mark = { mark: string; points: number; files: number; bytes: number; to?: string }

function writeMark({ mark, points, files, bytes, to = '' }: Mark): string {
  return [mark, points, files, bytes, to].join('|')
}

function readMark(text: string | undefined): (Mark & { to: string }) | undefined {
  if (text === undefined) return undefined
  const [mark = '', points, files, bytes, to = ''] = text.split('|')
  return { mark, points: Number(points), files: Number(files), bytes: Number(bytes), to }
}

/** The counts that differ are a failure: somebody is about to switch the old server off. */
export function checkCounts(counts: Count[]): void {
  const wrong = counts.filter(({ source, here }) => source !== here)
  if (wrong.length === 0) return
  throw new AppError(
    'internal',
    `Not everything has arrived: ${wrong.map(({ what, source, here }) => `${what} ${here} of ${source}`).join(', ')}.`,
    { hint: 'Run the same command again: it goes on with what is missing.' },
  )
}
