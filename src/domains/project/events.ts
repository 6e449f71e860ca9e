import { appender } from '../../core/background/background.ts'
import { event } from '../../core/event-contract.ts'
import { project } from './contract.ts'

export const events = {
  'project.applied': event('project/<project>', 'The files of a project were applied, and something changed.', {
    changes: project.apply.output.properties.changes,
  }),
}

export const append = appender(events)
