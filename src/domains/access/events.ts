import { appender } from '../../core/background/background.ts'
import { optional } from '../../core/contract.ts'
import { event } from '../../core/event-contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { RoleName } from './contract.ts'

export const events = {
  'access.token_created': event('token/<token>', 'A token was made.', {
    name: Type.String(),
    role: RoleName,
    service: optional(Type.Boolean()),
    scopes: optional(Type.Array(Type.String())),
  }),
  'access.token_revoked': event('token/<token>', 'A token was taken back: nobody signs in with it any more.', {}),
  'access.user_invited': event('invitation/<invitation>', 'Somebody was invited.', {
    name: Type.String(),
    role: RoleName,
  }),
  'access.invitation_revoked': event('invitation/<invitation>', 'An invitation was taken back.', {}),
  'access.user_joined': event('user/<user>', 'Somebody became a user of this server.', {
    role: RoleName,
    way: Type.String({ description: '`invitation` or `provider`' }),
  }),
  'access.user_changed': event('user/<user>', 'The role or the state of a user was changed.', {
    role: RoleName,
    active: Type.Boolean(),
  }),
  'access.password_changed': event('user/<user>', 'A user has a new password.', {}),
  'access.signed_in': event('user/<user>', 'A user signed in with a browser.', {
    way: Type.String({ description: '`password`, `invitation` or `provider`' }),
  }),
  'access.session_ended': event('user/<user>', 'A session of a user was ended.', { session: Type.String() }),
  'access.rules_set': event('access', 'How people and CI sign in by others was changed.', {}),
}

export const append = appender(events)
