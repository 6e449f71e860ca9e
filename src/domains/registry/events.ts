import { appender } from '../../core/background/background.ts'
import { oneOf, optional } from '../../core/contract.ts'
import { event } from '../../core/event-contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { ModelKind, Stage } from './contract.ts'

const Model = 'model/<model>'
const Text = Type.String()
const TextOrNull = Type.Union([Text, Type.Null()])
const Version = Type.Integer()
const Tags = Type.Record(Text, Text)

export const events = {
  'registry.model_created': event(Model, 'A model or a prompt was registered under a name.', {
    kind: ModelKind,
    description: Text,
    tags: Tags,
  }),
  'registry.model_updated': event(Model, 'The description of a model changed.', { description: Text }),
  'registry.model_renamed': event(Model, 'A model got another name: that of the subject.', {
    from: Type.String({ description: 'The name before' }),
  }),
  'registry.model_deleted': event(Model, 'A model was deleted.', {}),
  'registry.model_imported': event(Model, 'A model of another system was taken over.', {
    versions: Type.Integer({ description: 'How many' }),
  }),
  'registry.model_tagged': event(Model, 'A tag of a model was set.', { kind: ModelKind, key: Text, value: Text }),
  'registry.model_untagged': event(Model, 'A tag of a model was removed.', { kind: ModelKind, key: Text }),
  'registry.baseline_set': event(Model, 'The built-in baseline of a model answers with another value.', {
    value: Type.Union([Type.Number(), Type.String()]),
  }),
  'registry.spec_applied': event(Model, 'The spec of a model was declared or changed.', {
    version: Type.Integer({ description: 'Of the spec' }),
    digest: Text,
  }),
  'registry.version_registered': event(Model, 'A version of a model or a prompt was registered.', {
    kind: ModelKind,
    version: Version,
    artifact: TextOrNull,
    run: TextOrNull,
    uri: TextOrNull,
    description: Text,
    tags: Tags,
    scan: optional(Type.String({ description: 'What the scan of its files came to' })),
    prompt: optional(Type.String({ description: 'The template of a prompt' })),
  }),
  'registry.version_updated': event(Model, 'The description or the stage of a version changed.', {
    version: Version,
    description: optional(Text),
    stage: optional(Stage),
  }),
  'registry.training_set_named': event(Model, 'It was said what a version was trained on.', {
    version: Version,
    trainingSet: Text,
  }),
  'registry.signature_inferred': event(Model, 'What a version reads was inferred, because nobody had said it.', {
    version: Version,
    from: oneOf(['training_set', 'predictions']),
    inputs: Type.Array(Text),
  }),
  'registry.version_deleted': event(Model, 'A version was deleted.', { version: Version }),
  'registry.version_tagged': event(Model, 'A tag of a version was set.', {
    kind: ModelKind,
    version: Version,
    key: Text,
    value: Text,
  }),
  'registry.version_untagged': event(Model, 'A tag of a version was removed.', {
    kind: ModelKind,
    version: Version,
    key: Text,
  }),
  'registry.alias_set': event(Model, 'An alias points at a version from now on.', {
    kind: ModelKind,
    alias: Text,
    version: Version,
  }),
  'registry.alias_deleted': event(Model, 'An alias points at nothing any more.', {
    kind: optional(ModelKind),
    alias: Text,
  }),
}

export const append = appender(events)
