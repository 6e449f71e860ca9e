import { Type } from 'typebox'
import {
  contract,
  DigestText,
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

/** What a column of a source must satisfy; checked on every write, reported in the profile. */
const Expectation = object({
  column: Type.String(),
  type: optional(oneOf(['number', 'integer', 'string', 'boolean', 'time'])),
  required: optional(Type.Boolean()),
  between: optional(Type.Tuple([Type.Number(), Type.Number()])),
  one_of: optional(Type.Array(Type.Union([Type.String(), Type.Number(), Type.Boolean()]))),
})

/** `sources/<name>.yaml` */
export const SourceFile = object({
  source: Name,
  description: optional(Type.String()),
  owner: Type.String({ minLength: 3 }),
  licence: optional(Type.String()),
  attribution: optional(Type.String()),
  kind: optional(oneOf(['data', 'base_model', 'prompt'], { default: 'data' })),
  pii: optional(oneOf(['none', 'pseudonymous', 'personal'], { default: 'none' })),
  /** Who looked at it and found it fit for production; without this everything that touches it is tainted. */
  vetted: optional(object({ by: Type.String(), on: Type.String(), note: optional(Type.String()) })),
  time: optional(Type.String({ description: 'Column with the event time' })),
  known_at: optional(Type.String({ description: 'Column with the time at which the row became known' })),
  key: optional(Type.Array(Type.String(), { description: 'Columns that identify a row' })),
  expectations: optional(Type.Array(Expectation)),
})

export const Source = object({
  name: Name,
  definition: SourceFile,
  vetted: Type.Boolean(),
  rows: Type.Integer(),
  firstTime: Type.Union([Time, Type.Null()]),
  lastTime: Type.Union([Time, Type.Null()]),
  lastSeq: Type.Integer({ description: 'Sequence number of the newest row' }),
  updatedAt: Time,
})

const ColumnProfile = object({
  column: Type.String(),
  type: Type.String(),
  nulls: Type.Integer(),
  distinct: Type.Integer(),
  min: Type.Union([Type.String(), Type.Number(), Type.Null()]),
  max: Type.Union([Type.String(), Type.Number(), Type.Null()]),
  mean: Type.Union([Type.Number(), Type.Null()]),
})

/** An immutable snapshot: the rows of a source up to a sequence number. */
export const Dataset = object({
  id: Type.String(),
  source: Name,
  uptoSeq: Type.Integer(),
  rows: Type.Integer(),
  digest: DigestText,
  vetted: Type.Boolean(),
  profile: Type.Array(ColumnProfile),
  createdAt: Time,
})

export const datasets = contract({
  listSources: {
    method: 'GET',
    path: '/sources',
    role: 'viewer',
    summary: 'Registered origins of data, base models and prompts',
    input: Nothing,
    output: page(Source),
  },
  getSource: {
    method: 'GET',
    path: '/sources/:source',
    role: 'viewer',
    summary: 'One source, with how much it holds',
    input: object({ source: Name }),
    output: Source,
  },
  append: {
    method: 'POST',
    path: '/sources/:source/rows',
    role: 'member',
    summary: 'Adds rows to a source; checked against its expectations, all or none, on disk when acknowledged',
    bodyLimit: 64 * 1024 * 1024,
    input: object({ source: Name, rows: Type.Array(JsonObject, { minItems: 1, maxItems: 50_000 }) }),
    output: object({ appended: Type.Integer(), lastSeq: Type.Integer() }),
  },
  snapshot: {
    method: 'POST',
    path: '/sources/:source/snapshots',
    role: 'member',
    summary: 'Freezes what a source holds now as a dataset with a profile; the same rows give the same digest',
    input: object({ source: Name }),
    output: Dataset,
  },
  listDatasets: {
    method: 'GET',
    path: '/datasets',
    role: 'viewer',
    summary: 'Snapshots, newest first',
    input: object({ source: optional(Name), ...paging }),
    output: page(Dataset),
  },
  getDataset: {
    method: 'GET',
    path: '/datasets/:dataset',
    role: 'viewer',
    summary: 'One snapshot with its profile',
    input: object({ dataset: Name }),
    output: Dataset,
  },
})
