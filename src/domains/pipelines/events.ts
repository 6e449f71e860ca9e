import { appender } from '../../core/background/background.ts'
import { optional } from '../../core/contract.ts'
import { event } from '../../core/event-contract.ts'
import { Type } from '../../core/shapes/shapes.ts'

const Pipeline = 'pipeline/<pipeline>'
const run = { run: Type.String({ description: 'The pipeline run' }) }

export const events = {
  'pipelines.applied': event(Pipeline, 'A pipeline was declared or changed.', {}),
  'pipelines.run_started': event(Pipeline, 'A pipeline run began.', run),
  'pipelines.run_resumed': event(Pipeline, 'A pipeline run goes on where an earlier one ended.', {
    ...run,
    from: Type.String({ description: 'The earlier run' }),
    steps: Type.Integer({ description: 'How many steps the earlier run had' }),
  }),
  'pipelines.run_succeeded': event(Pipeline, 'Every step of a pipeline run has its result.', run),
  'pipelines.run_failed': event(Pipeline, 'A step of a pipeline run failed.', {
    ...run,
    scheduled: optional(Type.Boolean({ description: 'It was started by its schedule' })),
    why: optional(Type.String({ description: 'Which step failed, and how' })),
  }),
  'pipelines.run_cancelled': event(Pipeline, 'Somebody stopped a pipeline run.', run),
}

export const append = appender(events)
