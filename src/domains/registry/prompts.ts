import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { invalidInput, notFound } from '../../core/errors.ts'
import { transaction } from '../../core/transaction.ts'
import type { registry } from './contract.ts'
import { createModel, requireModel } from './models.ts'
import { variablesOf } from './rules.ts'
import * as store from './store.ts'
import { getVersion, registerVersion } from './versions.ts'

type Operations = typeof registry
type Prompt = Output<Operations['getPrompt']>
type Version = Output<Operations['getVersion']>

/** The tags by which MLflow's clients know a prompt and its text. */
const promptTags = { isPrompt: 'mlflow.prompt.is_prompt', text: 'mlflow.prompt.text' }

export function pushPrompt(
  ctx: Context,
  { prompt, text, description, tags = {}, sources }: Input<Operations['pushPrompt']>,
): Promise<Prompt> {
  return transaction(ctx, async (ctx) => {
    const known = await store.findModel(ctx, prompt)
    if (!known) await createModel(ctx, { name: prompt, kind: 'prompt', tags: { [promptTags.isPrompt]: 'true' } })
    const newest = known && (await store.findVersion(ctx, prompt, known.latest_version))
    if (newest?.prompt === text) return getPrompt(ctx, { prompt, version: newest.version })
    const version = await registerVersion(ctx, {
      model: prompt,
      flavor: 'prompt',
      prompt: text,
      tags: { ...tags, [promptTags.isPrompt]: 'true', [promptTags.text]: text.slice(0, 100_000) },
      ...(description === undefined ? {} : { description }),
      ...(sources === undefined ? {} : { sources }),
    })
    return toPrompt(version)
  })
}

export async function getPrompt(
  ctx: Context,
  { prompt, version, alias }: Input<Operations['getPrompt']>,
): Promise<Prompt> {
  const { kind, latest_version } = await requireModel(ctx, prompt)
  if (kind !== 'prompt') throw invalidInput(`"${prompt}" is a model, not a prompt.`, { name: prompt })
  const wanted = alias === undefined ? (version ?? latest_version) : await versionOfAlias(ctx, prompt, alias)
  return toPrompt(await getVersion(ctx, { model: prompt, version: wanted }))
}

async function versionOfAlias(ctx: Context, prompt: string, alias: string): Promise<number> {
  const row = (await store.listAliases(ctx, prompt)).find((row) => row.alias === alias)
  if (!row) throw notFound('Alias', alias, `See "keel prompts list".`)
  return row.version
}

function toPrompt({ model, version, prompt, description, tags, aliases, createdAt, createdBy }: Version): Prompt {
  const text = prompt ?? ''
  const shown = Object.fromEntries(Object.entries(tags).filter(([key]) => !Object.values(promptTags).includes(key)))
  return {
    prompt: model,
    version,
    text,
    variables: variablesOf(text),
    description,
    tags: shown,
    aliases,
    createdAt,
    createdBy,
  }
}
