import { appender } from '../../core/background/background.ts'
import { DigestText } from '../../core/contract.ts'
import { event } from '../../core/event-contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { Collected } from './jobs.ts'

export const events = {
  'artifacts.created': event('artifact/<digest>', 'Files were bound into an artifact.', {
    files: Type.Integer({ description: 'How many' }),
    size: Type.Integer({ description: 'Bytes of all files' }),
  }),
  'artifacts.files_deleted': event('files/<path>', 'Files below a path lost their names.', {
    files: Type.Integer({ description: 'How many' }),
  }),
  'artifacts.upload_started': event('upload/<upload>', 'An upload in parts began.', {}),
  'artifacts.upload_completed': event('upload/<upload>', 'The parts of an upload became one blob.', {
    digest: DigestText,
    size: Type.Integer({ description: 'Bytes' }),
  }),
  'artifacts.upload_aborted': event('upload/<upload>', 'An upload was given up.', {}),
  'artifacts.garbage_collected': event('artifacts', 'What nothing names any more was removed.', Collected),
}

export const append = appender(events)
