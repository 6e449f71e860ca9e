import { resolve } from 'node:path'
import { type Config, type ResolvedConfig, resolveConfig } from '../../core/config.ts'
import { AppError } from '../../core/errors.ts'
import { flag, text, type Values } from '../kit/kit.ts'

/** The words in which people start MLflow's server, for scripts that should go on working. */
export const mlflowOptions = {
  backendStoreUri: text("MLflow's word: postgresql://… is --database, sqlite:///… a data folder beside it", 'uri'),
  artifactsDestination: text("MLflow's word: s3://… is --blobs", 'uri'),
  defaultArtifactRoot: text('where clients of MLflow keep artifacts of new experiments', 'uri'),
  allowLocalArtifactUris: flag('only for tests: clients may name paths of their own disk'),
}

/** What they mean in our settings. A setting of ours that is given by flag or environment wins over MLflow's environment. */
export function withMlflowOptions(
  { config, origins }: ResolvedConfig,
  options: Values<typeof mlflowOptions>,
  environment: NodeJS.ProcessEnv,
): Config {
  const given = (option: string | undefined, variable: string, own: keyof Config) =>
    option ?? (origins[own] === 'default' ? environment[variable] : undefined)
  const store = storeOf(given(options.backendStoreUri, 'MLFLOW_BACKEND_STORE_URI', 'database'))
  const blobs = blobsOf(given(options.artifactsDestination, 'MLFLOW_ARTIFACTS_DESTINATION', 'blobs'))
  const artifactRoot = given(options.defaultArtifactRoot, 'MLFLOW_DEFAULT_ARTIFACT_ROOT', 'artifactRoot')
  const localArtifacts = options.allowLocalArtifactUris ? 'allowed' : config.localArtifacts
  const flags: Partial<Record<keyof Config, string>> = { ...config, ...store, ...blobs, localArtifacts }
  if (artifactRoot !== undefined) flags.artifactRoot = rootOf(artifactRoot, localArtifacts)
  return resolveConfig({ flags, environment: {} }).config
}

function storeOf(uri: string | undefined): { database?: string; data?: string } {
  if (uri === undefined) return {}
  if (/^postgres(ql)?(\+\w+)?:\/\//.test(uri)) return { database: uri.replace(/^[^:]+/, 'postgresql') }
  const file = /^sqlite:\/\/\/(.+)$/.exec(uri)?.[1]
  if (file !== undefined) return { data: `${file}.keel` }
  if (/^[a-z]+(\+\w+)?:\/\//i.test(uri) && !uri.startsWith('file:'))
    throw unsupported('--backend-store-uri', uri, 'Use postgresql:// or sqlite:///.')
  return { data: resolve(uri.replace(/^file:(\/\/)?/, ''), '.keel') }
}

function blobsOf(uri: string | undefined): { blobs?: string } {
  if (uri === undefined) return {}
  if (uri.startsWith('s3://')) return { blobs: uri }
  throw unsupported(
    '--artifacts-destination',
    uri,
    'Artifacts lie in the data folder (--data) unless an s3:// address is given.',
  )
}

function rootOf(uri: string, local: string): string {
  const elsewhere = /^[a-z][a-z0-9+.-]+:/i.test(uri) && !uri.startsWith('file:')
  if (elsewhere || local === 'allowed') return uri
  throw unsupported('--default-artifact-root', uri, 'For tests, add --allow-local-artifact-uris.')
}

function unsupported(flag: string, uri: string, hint: string): AppError {
  return new AppError('usage', `${flag} cannot be "${uri}".`, { name: uri, hint })
}
