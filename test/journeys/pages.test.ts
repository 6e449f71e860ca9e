import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProblemError } from '../../src/client/client.ts'
import { begin } from '../../src/domains/delivery/delivery.fixture.ts'
import { model } from '../support/trips.ts'

test('a cursor that no page gave is refused by its name, by every list that counts', async (t) => {
  const { client } = await begin(t)
  const [golden] = (await client.evaluation.listGolden({})).items
  const { id: experiment } = await client.runs.createExperiment({ name: 'pages' })
  const { id: run } = await client.runs.create({ experiment })
  for (const cursor of ['abc', '1.5', '-1', '~']) {
    const lists = {
      listVersions: () => client.registry.listVersions({ model, cursor }),
      listReleases: () => client.delivery.listReleases({ model, cursor }),
      listEvaluations: () => client.evaluation.listEvaluations({ cursor }),
      listGates: () => client.evaluation.listGates({ cursor }),
      listItems: () => client.evaluation.listItems({ golden: golden?.name ?? '', cursor }),
      listExperiments: () => client.runs.listExperiments({ cursor }),
      search: () => client.runs.search({ cursor }),
      metricHistory: () => client.runs.metricHistory({ run, key: 'loss', cursor }),
      listTraces: () => client.traces.list({ cursor }),
    }
    for (const [name, list] of Object.entries(lists))
      await assert.rejects(list, ({ problem }: ProblemError) => {
        assert.deepEqual([name, problem.code, problem.name], [name, 'invalid_input', 'cursor'])
        return true
      })
  }
})

test('a list that goes on by name takes any text as a place to go on from', async (t) => {
  const { client } = await begin(t)
  const cursor = '~~~'
  const lists = [
    client.registry.listModels({ cursor }),
    client.evaluation.listGolden({ cursor }),
    client.pipelines.list({ cursor }),
    client.serving.listEndpoints({ cursor }),
  ]
  for (const { items } of await Promise.all(lists)) assert.deepEqual(items, [])
})
