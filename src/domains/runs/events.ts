import { appender } from '../../core/background/background.ts'
import { optional } from '../../core/contract.ts'
import { event } from '../../core/event-contract.ts'
import { Type } from '../../core/shapes/shapes.ts'

const Run = 'run/<run>'
const Experiment = 'experiment/<experiment>'

export const events = {
  'runs.experiment_created': event(Experiment, 'An experiment was made.', { id: Type.String() }),
  'runs.experiment_renamed': event(Experiment, 'An experiment got another name: that of the subject.', {
    from: Type.String({ description: 'The name before' }),
  }),
  'runs.experiment_deleted': event(Experiment, 'An experiment was deleted with its runs; it can be restored.', {}),
  'runs.experiment_restored': event(Experiment, 'A deleted experiment came back.', {}),
  'runs.experiment_purged': event('experiment/<id>', 'A deleted experiment was removed for good.', {
    name: Type.String(),
  }),
  'runs.experiment_tagged': event(Experiment, 'A tag of an experiment was set.', {
    key: Type.String(),
    value: Type.String(),
  }),
  'runs.experiment_untagged': event(Experiment, 'A tag of an experiment was removed.', { key: Type.String() }),
  'runs.created': event(Run, 'A run began.', { experiment: Type.String({ description: 'Its name' }) }),
  'runs.running': event(Run, 'A run was marked as running.', {}),
  'runs.scheduled': event(Run, 'A run was marked as scheduled.', {}),
  'runs.finished': event(Run, 'A run ended well.', {}),
  'runs.failed': event(Run, 'A run failed.', {}),
  'runs.killed': event(Run, 'A run was stopped.', {}),
  'runs.deleted': event(Run, 'A run was deleted; it can be restored.', {}),
  'runs.restored': event(Run, 'A deleted run came back.', {}),
  'runs.purged': event(Run, 'A deleted run was removed for good, with its files.', {
    experiment: Type.String({ description: 'Its id' }),
    name: Type.String(),
  }),
  'runs.imported': event(Experiment, 'Runs of another system were taken over.', {
    runs: Type.Integer({ description: 'How many' }),
    points: Type.Integer({ description: 'Measurements of metrics in them' }),
  }),
  'runs.model_logged': event('logged-model/<logged model>', 'A run logged a model.', {
    name: Type.String(),
    run: optional(Type.String()),
  }),
  'runs.logged_model_deleted': event('logged-model/<logged model>', 'A logged model was deleted.', {}),
}

export const append = appender(events)
