import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Dialog } from 'radix-ui'
import { useState } from 'react'
import { client, type Release, type Span } from '../../client.ts'
import { milliseconds } from '../../format.ts'

type Props = { model: string; live: Release; releases: Release[]; spans: Span[] }

/** Puts the previous release back: says what changes, asks why, then does it at once. */
export function RollBack({ model, live, releases, spans }: Props) {
  const [open, setOpen] = useState(false)
  const [reason, setReason] = useState('')
  const queries = useQueryClient()
  const previous = spans.findLast(({ release }) => release !== live.id)
  const target = releases.find(({ id }) => id === previous?.release)
  const rollback = useMutation({
    mutationFn: (to: string) => client.delivery.rollback({ model, reason, to }),
    onSuccess: () => queries.invalidateQueries(),
  })
  if (!target) return null
  const ready = reason.trim().length >= 3 && !rollback.isPending
  return (
    <Dialog.Root
      open={open}
      onOpenChange={(next) => {
        setOpen(next)
        if (next) rollback.reset()
      }}
    >
      <Dialog.Trigger asChild>
        <button type="button" className="danger">
          Roll back
        </button>
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Overlay className="overlay" />
        <Dialog.Content className="dialog">
          <Dialog.Title asChild>
            <h1>Roll back {model}</h1>
          </Dialog.Title>
          {rollback.isSuccess ? (
            <>
              <p data-testid="rolled-back">
                {rollback.data.release.id} (v{rollback.data.release.version}) answers now. It took{' '}
                {milliseconds(rollback.data.seconds)}. The model is pinned until somebody unpins it.
              </p>
              <p className="copy">Undo: {rollback.data.undo}</p>
              <Dialog.Close asChild>
                <button type="button">Close</button>
              </Dialog.Close>
            </>
          ) : (
            <form
              onSubmit={(event) => {
                event.preventDefault()
                if (ready) rollback.mutate(target.id)
              }}
            >
              <Dialog.Description asChild>
                <table>
                  <tbody>
                    <tr>
                      <th>now</th>
                      <td>
                        {live.id} (v{live.version}) – {live.reason}
                      </td>
                    </tr>
                    <tr>
                      <th>then</th>
                      <td>
                        {target.id} (v{target.version}) – {target.reason}
                      </td>
                    </tr>
                  </tbody>
                </table>
              </Dialog.Description>
              <label>
                <span className="quiet">Why?</span>
                <input
                  value={reason}
                  onChange={(event) => setReason(event.target.value)}
                  placeholder="It goes into the log"
                />
              </label>
              {rollback.isError && <p className="error">{rollback.error.message}</p>}
              <div className="row spread">
                <Dialog.Close asChild>
                  <button type="button">Cancel</button>
                </Dialog.Close>
                <button type="submit" className="danger" disabled={!ready}>
                  Roll back to {target.id}
                </button>
              </div>
            </form>
          )}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  )
}
