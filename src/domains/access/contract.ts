import { contract, Name, Nothing, object, oneOf, optional, page, Time } from '../../core/contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { AccessRules } from './access-file.ts'

export { AccessRules }

export const RoleName = oneOf(['viewer', 'member', 'admin'])

const Email = Type.String({ pattern: '^[^\\s@]+@[^\\s@]+$', maxLength: 254 })
const Password = Type.String({ minLength: 1, maxLength: 1024, description: 'At least 12 characters' })
const Days = Type.Integer({ minimum: 1, maximum: 3650 })

/** Operations by name, also with a star at the end. */
const Scopes = Type.Array(Type.String({ pattern: '^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_]+)*(\\.\\*)?$', maxLength: 128 }), {
  minItems: 1,
  maxItems: 50,
  description: 'Operations that it may call, such as serving.predict or serving.*; without them all that its role may',
})

const Token = object({
  id: Type.String(),
  name: Name,
  role: RoleName,
  owner: optional(Type.String({ description: 'The user whose token it is' })),
  service: Type.Boolean({ description: 'Whether it is of a service: it signs nothing that a person has to' }),
  scopes: optional(Scopes),
  createdAt: Time,
  expiresAt: optional(Time),
  lastUsedAt: optional(Time),
  revoked: Type.Boolean(),
})

const User = object({
  id: Type.String(),
  name: Name,
  email: optional(Type.String()),
  role: RoleName,
  active: Type.Boolean(),
  ways: Type.Array(oneOf(['password', 'provider']), { description: 'How the user signs in' }),
  createdAt: Time,
})

const Invitation = object({
  id: Type.String(),
  name: Name,
  email: optional(Type.String()),
  role: RoleName,
  by: Type.String(),
  createdAt: Time,
  expiresAt: Time,
})

const Session = object({
  id: Type.String(),
  user: Name,
  agent: optional(Type.String({ description: 'The browser, as it names itself' })),
  createdAt: Time,
  lastUsedAt: Time,
  expiresAt: Time,
  present: Type.Boolean({ description: 'Whether it is the one that asks' }),
})

const Identity = object({
  name: Type.String(),
  role: RoleName,
  kind: oneOf(['local', 'user', 'token', 'service', 'ci', 'nobody'], { description: 'What signs them in' }),
  scopes: optional(Scopes),
})

const Provider = object({ name: Type.String(), path: Type.String({ description: 'Where signing in begins' }) })

export const access = contract({
  whoami: {
    method: 'GET',
    path: '/whoami',
    role: 'viewer',
    summary: 'Who you are to this server',
    input: Nothing,
    output: Identity,
  },
  waysToSignIn: {
    method: 'GET',
    path: '/sign-in',
    role: 'anyone',
    summary: 'Who asks, if that is known, and how people sign in here',
    input: Nothing,
    output: object({ who: Identity, password: Type.Boolean(), provider: optional(Provider) }),
  },
  signIn: {
    method: 'POST',
    path: '/sign-in',
    role: 'anyone',
    summary: 'Begins a session in a browser: the answer sets its cookie',
    session: 'begins',
    input: object({ name: Type.String({ minLength: 1, maxLength: 254 }), password: Password }),
    output: User,
  },
  signOut: {
    method: 'POST',
    path: '/sign-out',
    role: 'viewer',
    summary: 'Ends the session that asks',
    session: 'ends',
    input: Nothing,
    output: Nothing,
  },
  changePassword: {
    method: 'POST',
    path: '/password',
    role: 'viewer',
    summary: 'Changes your own password; your other sessions end',
    input: object({ present: optional(Password), next: Password }),
    output: User,
  },
  listSessions: {
    method: 'GET',
    path: '/sessions',
    role: 'viewer',
    summary: 'Your sessions in browsers; of everybody for an admin who asks for all',
    input: object({ all: optional(Type.Boolean()) }),
    output: page(Session),
  },
  endSession: {
    method: 'DELETE',
    path: '/sessions/:session',
    role: 'viewer',
    summary: 'Ends one of your sessions at once; an admin ends any',
    input: object({ session: Name }),
    output: Nothing,
  },
  listUsers: {
    method: 'GET',
    path: '/users',
    role: 'viewer',
    summary: 'The people of this server',
    input: Nothing,
    output: page(User),
  },
  changeUser: {
    method: 'PATCH',
    path: '/users/:user',
    role: 'admin',
    summary: 'Changes the role or the address of a user, or whether the user may sign in',
    input: object({
      user: Name,
      role: optional(RoleName),
      email: optional(Email),
      active: optional(Type.Boolean()),
    }),
    output: User,
  },
  inviteUser: {
    method: 'POST',
    path: '/invitations',
    role: 'admin',
    summary: 'Invites somebody by a link that is shown this once; for a user who exists it sets a new password',
    input: object({
      name: Name,
      role: optional(RoleName),
      email: optional(Email),
      days: optional(Type.Integer({ minimum: 1, maximum: 30, default: 7 })),
    }),
    output: object({ ...Invitation.properties, link: Type.String({ description: 'Path and fragment of the page' }) }),
  },
  listInvitations: {
    method: 'GET',
    path: '/invitations',
    role: 'admin',
    summary: 'Invitations that are open, without their links',
    input: Nothing,
    output: page(Invitation),
  },
  revokeInvitation: {
    method: 'DELETE',
    path: '/invitations/:invitation',
    role: 'admin',
    summary: 'Takes an invitation back',
    input: object({ invitation: Name }),
    output: Nothing,
  },
  readInvitation: {
    method: 'POST',
    path: '/invitations/read',
    role: 'anyone',
    summary: 'Whom an invitation is for',
    input: object({ text: Type.String({ minLength: 1, maxLength: 200 }) }),
    output: object({ name: Name, role: RoleName, by: Type.String(), expiresAt: Time }),
  },
  acceptInvitation: {
    method: 'POST',
    path: '/invitations/accept',
    role: 'anyone',
    summary: 'Makes the user that an invitation is for, with a password, and signs in',
    session: 'begins',
    input: object({ text: Type.String({ minLength: 1, maxLength: 200 }), password: Password }),
    output: User,
  },
  createToken: {
    method: 'POST',
    path: '/tokens',
    role: 'member',
    summary: 'Creates a token of your own, or of a service; its text is shown this once and never stored',
    input: object({
      name: Name,
      role: RoleName,
      days: optional(Days),
      service: optional(Type.Boolean({ description: 'Of a service and not of a person; for admins' })),
      scopes: optional(Scopes),
    }),
    output: object({ ...Token.properties, token: Type.String() }),
  },
  listTokens: {
    method: 'GET',
    path: '/tokens',
    role: 'member',
    summary: 'Your tokens, without their texts; all for an admin',
    input: Nothing,
    output: page(Token),
  },
  revokeToken: {
    method: 'DELETE',
    path: '/tokens/:token',
    role: 'member',
    summary: 'Makes one of your tokens useless at once; an admin revokes any',
    input: object({ token: Name }),
    output: Token,
  },
  getAccessRules: {
    method: 'GET',
    path: '/access',
    role: 'admin',
    summary: 'How people and CI sign in by others, as "access" in keel.yaml says',
    input: Nothing,
    output: AccessRules,
  },
  setAccessRules: {
    method: 'PUT',
    path: '/access',
    role: 'admin',
    summary: 'Says how people and CI sign in by others',
    input: AccessRules,
    output: AccessRules,
  },
})
