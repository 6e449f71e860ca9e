import { useMay } from '../../people/who.ts'
import { People } from './people.tsx'
import { Sessions } from './sessions.tsx'
import { Tokens } from './tokens.tsx'

/** Who may do what here? */
export function Settings() {
  const admin = useMay('admin')
  const member = useMay('member')
  return (
    <>
      <h1>Who may do what here?</h1>
      <p className="sub">Viewers see everything, members change things, admins also decide who comes in.</p>
      <People admin={admin} />
      <Sessions admin={admin} />
      {member && <Tokens admin={admin} />}
    </>
  )
}
