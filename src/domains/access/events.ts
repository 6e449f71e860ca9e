import { appender } from '../../core/background/background.ts'
import { event } from '../../core/event-contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { RoleName } from './contract.ts'

export const events = {
  'access.token_created': event('token/<token>', 'A token was made.', { name: Type.String(), role: RoleName }),
  'access.token_revoked': event('token/<token>', 'A token was taken back: nobody signs in with it any more.', {}),
}

export const append = appender(events)
