import { appender } from '../../core/background/background.ts'
import { DigestText } from '../../core/contract.ts'
import { event } from '../../core/event-contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { SourceFile } from './contract.ts'

const Vetted = SourceFile.properties.vetted

export const events = {
  'datasets.source_applied': event('source/<source>', 'A source was declared or changed.', {
    vetted: Type.Union([Vetted, Type.Null()]),
  }),
  'datasets.rows_appended': event('source/<source>', 'Rows arrived.', {
    rows: Type.Integer({ description: 'How many' }),
    lastSeq: Type.Integer({ description: 'Number of the last one' }),
  }),
  'datasets.rows_removed': event('source/<source>', 'Rows were taken out by hand.', {
    rows: Type.Array(Type.Integer(), { description: 'Their numbers' }),
    reason: Type.String({ description: 'Why, as it was said' }),
  }),
  'datasets.fetch_failed': event(
    'source/<source>',
    'The place that rows are fetched from could not be read, or not all of it.',
    {
      problem: Type.String({ description: 'Why, in words' }),
    },
  ),
  'datasets.fetch_recovered': event('source/<source>', 'The place that rows are fetched from can be read again.', {}),
  'datasets.snapshot_taken': event('source/<source>', 'The rows until now were named as a dataset.', {
    dataset: Type.String(),
    digest: DigestText,
  }),
}

export const append = appender(events)
