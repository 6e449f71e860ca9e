import type { Readable } from 'node:stream'
import type { Static } from 'typebox'
import type { Input } from '../../core/contract.ts'
import { isoOf } from '../../core/tables/tables.ts'
import type { registry } from '../../domains/registry/contract.ts'
import type { ImportedExperiment, ImportedLoggedModel, ImportedRun } from '../../domains/runs/contract.ts'

export type SourceExperiment = Static<typeof ImportedExperiment> & { id: string }

/** A run without its points, which may be millions. `location` is where the source keeps its artifacts. */
export type SourceRun = Omit<Static<typeof ImportedRun>, 'metrics' | 'location'> & { location: string }
export type Point = Static<typeof ImportedRun>['metrics'][number]
export type SourceLoggedModel = Omit<Static<typeof ImportedLoggedModel>, 'location'> & { location: string }
export type SourceModel = Input<(typeof registry)['importModel']>
export type SourceFile = { path: string; size: number; open(): Promise<Readable> }

/** An MLflow that is read: its database file, or its server. */
export type MlflowSource = {
  name: string
  experiments(): AsyncIterable<SourceExperiment>
  /** Active and deleted ones, a page at a time. */
  runs(experiment: string): AsyncIterable<SourceRun[]>
  /** Every value that a run logged, some thousand at a time. */
  points(run: SourceRun): AsyncIterable<Point[]>
  loggedModels(experiment: string): AsyncIterable<SourceLoggedModel[]>
  /** Undefined when the files lie where this command cannot read. */
  files(location: string): Promise<SourceFile[] | undefined>
  models(): AsyncIterable<SourceModel>
  countRuns(): Promise<number>
  close(): void
} & DescribedModels

type SourceVersion = SourceModel['versions'][number]
/** A run by its id, with the names of what it measured. */
export type DescribedRun = SourceRun & { measured: string[] }

/** What is known of registered models besides their versions. */
export type DescribedModels = {
  /** The text of a version's MLmodel file; undefined where it has none that can be read. */
  mlmodel(model: string, version: SourceVersion): Promise<string | undefined>
  run(id: string): Promise<DescribedRun | undefined>
}

/** Registered models alone: of a server, a database, or a folder. */
export type ModelSource = Pick<MlflowSource, 'name' | 'models' | 'close'> & DescribedModels

/** An MLmodel file is YAML that names flavors; what else answers at its address (a page, a list) is none. */
export function isMlmodel(text: string): boolean {
  return text.length <= 1_000_000 && /^flavors:/m.test(text)
}

export function isPrompt(tags: Record<string, string>): boolean {
  return tags['mlflow.prompt.is_prompt'] === 'true'
}

export const promptText = 'mlflow.prompt.text'

export function toStatus(text: string): SourceRun['status'] {
  const known = ['running', 'scheduled', 'finished', 'failed', 'killed'] as const
  return known.find((status) => status === text.toLowerCase()) ?? 'finished'
}

export function toStage(text: string | null | undefined): SourceModel['versions'][number]['stage'] {
  return (['Staging', 'Production', 'Archived'] as const).find((stage) => stage === text) ?? 'None'
}

export function toIso(milliseconds: number | string | null | undefined): string {
  return isoOf(Number(milliseconds ?? 0))
}

const modelStates = [
  'LOGGED_MODEL_STATUS_UNSPECIFIED',
  'LOGGED_MODEL_PENDING',
  'LOGGED_MODEL_READY',
  'LOGGED_MODEL_UPLOAD_FAILED',
]

/** A database keeps the number of a state, a server says its name. */
export function toModelState(state: number | string): string {
  return typeof state === 'string' ? state : (modelStates[state] ?? 'LOGGED_MODEL_READY')
}
