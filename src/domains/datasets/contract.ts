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
import { Type } from '../../core/shapes/shapes.ts'

/** What a column of a source must satisfy; checked on every write, reported in the profile. */
const Expectation = object({
  column: Type.String({ description: 'Column that must satisfy what follows' }),
  type: optional(oneOf(['number', 'integer', 'string', 'boolean', 'time'], { description: 'What its values are' })),
  required: optional(Type.Boolean({ description: 'No value may be missing' })),
  between: optional(Type.Tuple([Type.Number(), Type.Number()], { description: 'Smallest and largest value' })),
  one_of: optional(
    Type.Array(Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
      description: 'The only values there may be',
    }),
  ),
})

const every = optional(
  oneOf(['1m', '5m', '15m', '30m', '1h', '6h', '12h', '1d'], { description: 'How often it is looked at; 15m' }),
)

/** Where a source fetches its rows by itself. */
const From = Type.Union(
  [
    object({
      files: Type.String({
        minLength: 1,
        maxLength: 1_000,
        pattern: '^[^\\u0000]+$',
        description:
          'A folder or a pattern of .csv, .jsonl or .parquet files, relative to the project, or s3://bucket/prefix?endpoint=…; credentials as AWS tools find them',
      }),
      every,
    }),
    object({
      postgres: Type.String({
        pattern: '^(?!KEEL_)[A-Za-z_][A-Za-z0-9_]*$',
        description: "Name of the server's environment variable that holds postgres://…; none of its own settings",
      }),
      query: Type.String({
        minLength: 6,
        maxLength: 20_000,
        description: 'One select; run in a read-only transaction',
      }),
      cursor: Type.String({
        minLength: 1,
        maxLength: 63,
        description: 'Its column that grows with every row that is new or changed, such as updated_at',
      }),
      every,
    }),
  ],
  { description: 'Where new rows are fetched from, again and again; without it they are pushed' },
)

/** `sources/<name>.yaml` */
export const SourceFile = object({
  source: Name,
  description: optional(Type.String({ description: 'What it holds' })),
  owner: Type.String({ minLength: 3, description: 'Who is asked about it' }),
  licence: optional(Type.String({ description: 'Under which it may be used' })),
  attribution: optional(Type.String({ description: 'Whom it is from, as its licence asks' })),
  kind: optional(oneOf(['data', 'base_model', 'prompt'], { default: 'data', description: 'What comes from it' })),
  pii: optional(
    oneOf(['none', 'pseudonymous', 'personal'], {
      default: 'none',
      description: 'Whether it says something about people',
    }),
  ),
  vetted: optional(
    object(
      {
        by: Type.String({ description: 'Who looked at it' }),
        on: Type.String({ description: 'The day' }),
        note: optional(Type.String({ description: 'What was looked at' })),
      },
      { description: 'It was found fit for production; without this everything that touches it is tainted' },
    ),
  ),
  time: optional(Type.String({ description: 'Column with the event time' })),
  known_at: optional(Type.String({ description: 'Column with the time at which the row became known' })),
  time_unit: optional(
    oneOf(['s', 'ms'], { description: 'Numbers in columns of times count seconds or milliseconds since 1970' }),
  ),
  key: optional(Type.Array(Type.String(), { description: 'Columns that identify a row' })),
  from: optional(From),
  expectations: optional(Type.Array(Expectation, { description: 'Checked on every write' })),
})

const ColumnTypes = Type.Record(
  Type.String(),
  oneOf(['number', 'integer', 'big_integer', 'string', 'boolean', 'time'], {
    description: 'big_integer: integers that a double does not hold exactly',
  }),
)

const Fetch = object(
  {
    at: Time,
    rows: Type.Integer({ description: 'Added by the last look' }),
    bad: Type.Integer({ description: 'Rows that could not be taken so far' }),
    badRows: Type.Array(object({ file: Type.String(), row: Type.Integer(), what: Type.String() }), {
      description: 'The newest of them',
    }),
    problem: Type.Union([Type.String(), Type.Null()], { description: 'Why the last look did not see all of it' }),
  },
  { description: 'The last look at the place that its rows are fetched from' },
)

export const Source = object({
  name: Name,
  definition: SourceFile,
  columns: ColumnTypes,
  vetted: Type.Boolean(),
  rows: Type.Integer(),
  firstTime: Type.Union([Time, Type.Null()]),
  lastTime: Type.Union([Time, Type.Null()]),
  lastSeq: Type.Integer({ description: 'Sequence number of the newest row' }),
  updatedAt: Time,
  fetch: optional(Fetch),
  unreadable: optional(Type.String({ description: 'Why its rows cannot be read; absent when they can' })),
  unfinished: optional(
    object(
      { at: Time, rows: Type.Integer(), parts: Type.Integer(), of: Type.Integer() },
      { description: 'A file that was pushed in part: pushing it again adds the rest, and no row twice' },
    ),
  ),
})

const BadCell = object({
  seq: Type.Integer({ description: 'Number of the row' }),
  column: Type.String(),
  value: Type.String({ description: 'As it is stored, shortened' }),
  rule: Type.String({ description: 'What it breaks' }),
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
    exactIntegers: true,
    input: object({
      source: Name,
      rows: Type.Array(JsonObject, { minItems: 1, maxItems: 50_000 }),
      check: optional(Type.Boolean({ description: 'Only look whether they could be added' })),
      push: optional(
        object(
          {
            id: Type.String({ minLength: 8, maxLength: 200, description: 'The same for the same rows' }),
            part: Type.Integer({ minimum: 1 }),
            parts: Type.Integer({ minimum: 1, description: 'How many there are' }),
          },
          { description: 'Which part of what these rows are: a part that is there is not added again' },
        ),
      ),
    }),
    output: object({
      appended: Type.Integer(),
      stored: optional(Type.Integer({ description: 'Rows of this part that were there already' })),
      lastSeq: Type.Integer(),
    }),
  },
  fetch: {
    method: 'POST',
    path: '/sources/:source/fetches',
    role: 'member',
    summary: 'Looks for new rows now, where the definition of the source says that they come from',
    input: object({ source: Name }),
    output: Fetch,
  },
  checkStoredRows: {
    method: 'GET',
    path: '/sources/:source/check',
    role: 'viewer',
    summary: 'Holds the stored rows of a source against its columns, and names those that cannot be read',
    input: object({ source: Name }),
    output: object({
      rows: Type.Integer({ description: 'Rows that were looked at' }),
      bad: Type.Array(BadCell, { description: 'The first of them' }),
      count: Type.Integer({ description: 'How many cells there are in all' }),
    }),
  },
  removeRows: {
    method: 'POST',
    path: '/sources/:source/removals',
    role: 'admin',
    summary: 'Takes rows out of a source for good, by number; numbers are not given again',
    input: object({
      source: Name,
      rows: Type.Array(Type.Integer({ minimum: 1 }), { minItems: 1, maxItems: 10_000 }),
      reason: Type.String({ minLength: 3, description: 'Kept with the event' }),
    }),
    output: object({
      removed: Type.Integer(),
      columns: Type.Array(Type.String(), { description: 'Columns that went with them' }),
    }),
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
