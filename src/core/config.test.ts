import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveConfig } from './config.ts'

test('a flag goes before the environment, that before keel.yaml, that before the default', () => {
  const file = { port: '3', host: 'c', log: 'info' }
  const { config, origins } = resolveConfig({
    flags: { port: '1' },
    environment: { KEEL_PORT: '2', KEEL_HOST: 'b' },
    file,
  })
  assert.deepEqual([config.port, config.host, config.log, config.data], ['1', 'b', 'info', '.keel'])
  assert.deepEqual(
    [origins.port, origins.host, origins.log, origins.data],
    ['flag', 'environment', 'keel.yaml', 'default'],
  )
})
