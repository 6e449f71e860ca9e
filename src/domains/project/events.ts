import { event } from '../../core/event-contract.ts'
import { appender } from '../../core/work/work.ts'
import { project } from './contract.ts'

export const events = {
  'project.applied': event('project/<project>', 'The files of a project were applied, and something changed.', {
    changes: project.apply.output.properties.changes,
  }),
}

export const append = appender(events)
