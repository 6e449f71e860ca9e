import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveConfig } from '../../core/config.ts'
import { optionName, valuesOf } from '../kit/kit.ts'
import { mlflowOptions, withMlflowOptions } from './mlflow-options.ts'

function settled(given: Record<string, string | boolean>, environment: NodeJS.ProcessEnv = {}) {
  const options = valuesOf(mlflowOptions, given, optionName)
  return withMlflowOptions(resolveConfig({ flags: {}, environment }), options, environment)
}

test("the words of MLflow's server mean our settings", () => {
  const url = 'postgresql+psycopg2://ann@db/keel'
  assert.equal(settled({ backendStoreUri: url }).database, 'postgresql://ann@db/keel')
  assert.equal(settled({ backendStoreUri: 'sqlite:////srv/mlflow.db' }).data, '/srv/mlflow.db.keel')
  assert.equal(settled({ artifactsDestination: 's3://bucket/runs' }).blobs, 's3://bucket/runs')
  assert.equal(settled({ defaultArtifactRoot: 's3://bucket' }).artifactRoot, 's3://bucket')
  assert.equal(settled({}).artifactRoot, 'mlflow-artifacts:')
})

test('the environment of MLflow is read, and ours wins over it', () => {
  const environment = { MLFLOW_BACKEND_STORE_URI: 'postgresql://theirs/db' }
  assert.equal(settled({}, environment).database, 'postgresql://theirs/db')
  assert.equal(settled({}, { ...environment, KEEL_DATABASE: 'postgres://ours/db' }).database, 'postgres://ours/db')
})

test('a place on a local disk is refused unless a test asks for it', () => {
  assert.throws(() => settled({ defaultArtifactRoot: './mlruns' }), /cannot be "\.\/mlruns"/)
  assert.throws(() => settled({ artifactsDestination: '/srv/artifacts' }), /cannot be/)
  assert.throws(() => settled({ backendStoreUri: 'mysql://db/x' }), /cannot be/)
  const allowed = settled({ defaultArtifactRoot: './mlruns', allowLocalArtifactUris: true })
  assert.deepEqual([allowed.artifactRoot, allowed.localArtifacts], ['./mlruns', 'allowed'])
})
