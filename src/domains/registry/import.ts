import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { transaction } from '../../core/transaction.ts'
import * as artifacts from '../artifacts/artifacts.ts'
import type { registry } from './contract.ts'
import { append } from './events.ts'
import { readMlflowModel } from './mlflow-model.ts'
import { getModel } from './models.ts'
import { liveAlias } from './rules.ts'
import { refuseByPolicy, scanArtifact } from './scan/scan.ts'
import type { ScanReport } from './scan-report.ts'
import * as store from './store.ts'

type Operations = typeof registry
type ImportedModel = Input<Operations['importModel']>
type StoredArtifact = { digest: string; scan: ScanReport; described: Awaited<ReturnType<typeof readMlflowModel>> }

/**
 * Imports a registered model with the numbers and times of its versions. It may be called again: existing versions stay as
 * they are, tags and aliases are updated from the source. Only releases move "live".
 */
export async function importModel(ctx: Context, given: ImportedModel): Promise<Output<Operations['importModel']>> {
  const storedArtifacts = new Map<number, StoredArtifact>()
  for (const { version, path } of given.versions) {
    const digest = path === undefined ? undefined : await artifacts.freeze(ctx, { path })
    if (digest === undefined) continue
    const scan = await scanArtifact(ctx, digest)
    refuseByPolicy(ctx, given.name, scan)
    storedArtifacts.set(version, { digest, scan, described: await readMlflowModel(ctx, digest) })
  }
  return transaction(ctx, async (ctx) => {
    const { name, kind, description, tags, createdAt, updatedAt } = given
    const known = await store.findModel(ctx, name)
    const newest = Math.max(known?.latest_version ?? 0, ...given.versions.map(({ version }) => version))
    if (!known)
      await store.insertModel(ctx, {
        name,
        kind,
        spec_version: 0,
        latest_version: newest,
        baseline: null,
        baseline_text: null,
        description,
        created_at: createdAt,
        updated_at: updatedAt,
      })
    else await store.updateModel(ctx, name, { latest_version: newest })
    for (const [key, value] of Object.entries(tags)) await store.saveModelTag(ctx, { model: name, key, value })
    for (const version of given.versions) {
      if (!(await store.findVersion(ctx, name, version.version)))
        await store.insertVersion(ctx, toRow(name, version, storedArtifacts.get(version.version)))
      for (const [key, value] of Object.entries(version.tags))
        await store.saveTag(ctx, { model: name, version: version.version, key, value })
    }
    for (const [alias, version] of Object.entries(given.aliases))
      if (alias !== liveAlias) await store.saveAlias(ctx, { model: name, alias, version })
    await append(ctx, 'registry.model_imported', `model/${name}`, { versions: given.versions.length })
    return getModel(ctx, { model: name })
  })
}

function toRow(
  model: string,
  given: ImportedModel['versions'][number],
  artifact: StoredArtifact | undefined,
): store.VersionRecord {
  return {
    model,
    version: given.version,
    flavor: given.prompt === undefined ? 'mlflow' : 'prompt',
    artifact: artifact?.digest ?? null,
    scan: artifact?.scan ?? null,
    constant: null,
    prompt: given.prompt ?? null,
    mlflow: artifact?.described?.facts ?? null,
    signature: artifact?.described?.signature ?? null,
    service: null,
    training_set: null,
    run_id: given.run ?? null,
    code: null,
    sources: [],
    description: given.description,
    uri: given.uri,
    logged_model: given.loggedModel ?? null,
    stage: given.stage,
    created_at: given.createdAt,
    updated_at: given.updatedAt,
    created_by: given.user,
  }
}
