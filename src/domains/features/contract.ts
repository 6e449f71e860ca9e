import {
  contract,
  DigestText,
  duration,
  JsonObject,
  Name,
  Nothing,
  object,
  oneOf,
  optional,
  page,
  paging,
  Time,
} from '../../core/contract.ts'
import { Type } from '../../core/shapes/shapes.ts'

export const Entity = object({
  name: Name,
  keys: Type.Array(
    Type.Union([
      Type.String(),
      object({
        name: Type.String({ description: 'Of the column' }),
        type: oneOf(['string', 'integer', 'number'], {
          description: 'What its values are, in sources and in requests',
        }),
      }),
    ]),
    {
      minItems: 1,
      description:
        'Columns that identify it, in the source and in requests; a name alone has the type that services give it',
    },
  ),
  description: optional(Type.String({ description: 'What it is' })),
})

export const Aggregate = object({
  feature: Name,
  fn: oneOf(['mean', 'sum', 'count', 'min', 'max'], { description: 'Taken over the rows of the window' }),
  of: optional(Type.String({ description: 'Column; not needed by count' })),
  window: duration('How far back, exclusive of the moment itself: [t - window, t)'),
  description: optional(Type.String({ description: 'What it says' })),
})

export const FeatureView = object({
  name: Name,
  entity: Name,
  source: Name,
  description: optional(Type.String({ description: 'What it says about the entity' })),
  owner: optional(Type.String({ description: 'Who is asked about it' })),
  features: optional(
    Type.Array(Type.String(), { description: 'Columns served as they are: the latest row as of the moment' }),
  ),
  ttl: optional(duration('A latest row that is older counts as missing')),
  aggregates: optional(Type.Array(Aggregate, { description: 'Computed over a window that ends at the moment' })),
})

export const FeatureService = object({
  name: Name,
  description: optional(Type.String({ description: 'Which models read it, and for what' })),
  request: optional(
    Type.Array(
      object({
        name: Type.String({ description: 'As the caller writes it' }),
        type: oneOf(['number', 'string'], { description: 'What its values are' }),
      }),
      { description: 'Fields that the caller sends with each request' },
    ),
  ),
  features: optional(
    Type.Array(Type.String({ pattern: '^[A-Za-z0-9._-]+:[A-Za-z0-9._-]+$' }), {
      description: 'Each as `view:feature`',
    }),
  ),
})

/** `features/<name>.yaml` */
export const FeaturesFile = object({
  entities: Type.Array(Entity, { description: 'What features are about' }),
  views: Type.Array(FeatureView, { description: 'Features of an entity from one source' }),
  services: Type.Array(FeatureService, { description: 'What a model reads, at training and at serving alike' }),
})

export const AsOf = oneOf(['known', 'event'], {
  description:
    'known: only rows already known at the moment (what serving sees). event: by event time alone, which leaks late rows.',
})

const PinnedSource = object({
  source: Name,
  uptoSeq: Type.Integer({ description: 'Sequence number of the last row that was read' }),
  digest: Type.Union([DigestText, Type.Null()], {
    description: 'Of the columns that were read; null in sets of earlier versions',
  }),
  removedAt: optional(
    Type.String({
      description: 'Rows among those that were read were taken out then: the source does not give this digest any more',
    }),
  ),
})

export const TrainingSet = object({
  id: Type.String(),
  service: Type.Union([Name, Type.Null()], { description: 'null: its rows were joined somewhere else' }),
  asOf: AsOf,
  source: Type.Union([Name, Type.Null()], { description: 'null: its rows say no source' }),
  from: Type.Union([Time, Type.Null()], { description: 'null: its rows have no time' }),
  to: Type.Union([Time, Type.Null()]),
  label: Type.Union([Type.String(), Type.Null()]),
  columns: Type.Array(Type.String()),
  rows: Type.Integer(),
  digest: DigestText,
  uptoSeq: Type.Integer(),
  sources: Type.Array(PinnedSource, { description: 'Every source that was read, that of the examples first' }),
  vetted: Type.Boolean(),
  createdAt: Time,
})

export const FeatureParity = object({
  feature: Type.String(),
  rows: Type.Integer({ description: 'Rows compared' }),
  differing: Type.Integer({ description: 'Rows that differ by more than the tolerance' }),
  share: Type.Number(),
  meanDifference: Type.Number({ description: 'Mean absolute difference' }),
})

export const features = contract({
  listEntities: {
    method: 'GET',
    path: '/features/entities',
    role: 'viewer',
    summary: 'What features are about',
    input: Nothing,
    output: page(Entity),
  },
  listViews: {
    method: 'GET',
    path: '/features/views',
    role: 'viewer',
    summary: 'Feature views',
    input: Nothing,
    output: page(FeatureView),
  },
  listServices: {
    method: 'GET',
    path: '/features/services',
    role: 'viewer',
    summary: 'Feature services: what one model needs',
    input: Nothing,
    output: page(FeatureService),
  },
  getOnline: {
    method: 'POST',
    path: '/features/online',
    role: 'viewer',
    summary: 'The values of a service as of now, for each row of entity keys, with when they became known',
    exactIntegers: true,
    input: object({ service: Name, rows: Type.Array(JsonObject, { minItems: 1, maxItems: 1000 }) }),
    output: object({
      rows: Type.Array(
        object({
          values: Type.Record(Type.String(), Type.Union([Type.Number(), Type.String(), Type.Null()])),
          status: Type.Record(Type.String(), oneOf(['PRESENT', 'NULL_VALUE', 'NOT_FOUND', 'OUTSIDE_MAX_AGE'])),
        }),
      ),
    }),
  },
  createTrainingSet: {
    method: 'POST',
    path: '/features/training-sets',
    role: 'member',
    summary: 'Joins a service to the rows of a source as of each row’s time; one row in, one row out, same bytes again',
    input: object({
      service: Name,
      source: Name,
      from: Time,
      to: Time,
      label: optional(Type.String()),
      asOf: optional(AsOf),
      uptoSeq: optional(
        Type.Integer({
          description:
            'Reproduce as of this sequence number of the source; others are read as by the first set of this request up to there',
        }),
      ),
      sources: optional(
        Type.Record(Name, Type.Integer({ minimum: 0 }), {
          description:
            'Reproduce as of these sequence numbers, by source, as in the manifest; others are read to their end',
        }),
      ),
    }),
    output: TrainingSet,
  },
  importTrainingSet: {
    method: 'POST',
    path: '/features/training-sets/import',
    role: 'member',
    summary: 'Takes a table of an artifact, joined somewhere else, as a training set',
    input: object({
      artifact: DigestText,
      file: optional(Type.String({ description: 'Its path in the artifact, where that holds several tables' })),
      label: optional(Type.String({ description: 'The column with the outcome' })),
      time: optional(Type.String({ description: 'The column with the moment of an example; "time" where it has one' })),
      source: optional(Name),
    }),
    output: TrainingSet,
  },
  getTrainingSet: {
    method: 'GET',
    path: '/features/training-sets/:trainingSet',
    role: 'viewer',
    summary: 'The manifest of a training set',
    input: object({ trainingSet: Name }),
    output: TrainingSet,
  },
  listTrainingSets: {
    method: 'GET',
    path: '/features/training-sets',
    role: 'viewer',
    summary: 'Training sets, newest first',
    input: object(paging),
    output: page(TrainingSet),
  },
  downloadTrainingSet: {
    method: 'GET',
    path: '/features/training-sets/:trainingSet/file',
    role: 'viewer',
    summary: 'The rows as CSV with a header, or Parquet',
    reply: 'bytes',
    input: object({ trainingSet: Name, format: optional(oneOf(['csv', 'parquet'])) }),
    output: Nothing,
  },
  parity: {
    method: 'POST',
    path: '/features/parity',
    role: 'viewer',
    summary: 'Recomputes a sample of a training set as serving would see it, and says where the values differ',
    input: object({
      trainingSet: Name,
      sample: optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
      tolerance: optional(Type.Number({ minimum: 0 })),
    }),
    output: object({ trainingSet: Name, tolerance: Type.Number(), features: Type.Array(FeatureParity) }),
  },
})
