import { useState } from 'react'

/** The command that shows or does the same; a click copies it. */
export function CopyAsCli({ command }: { command: string }) {
  const [copied, setCopied] = useState(false)

  async function copy() {
    await navigator.clipboard.writeText(command)
    setCopied(true)
    setTimeout(() => setCopied(false), 1_500)
  }

  return (
    <button type="button" className="copy" onClick={() => void copy()} title="Copy as CLI">
      {copied ? 'copied' : `$ ${command}`}
    </button>
  )
}
