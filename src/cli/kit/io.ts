import { styleText } from 'node:util'

type Stream = { write(text: string): unknown; isTTY?: boolean | undefined; columns?: number | undefined }

/** Where a command reads and writes; tests and the demo hand in their own. */
export type Io = {
  stdout: Stream
  stderr: Stream
  environment: NodeJS.ProcessEnv
  cwd: string
  /** Is handed what a command found out, whatever form it is printed in. */
  observe?: (data: unknown) => void
}

type Style = Parameters<typeof styleText>[0]

/** Colour only on a terminal, and as NO_COLOR, FORCE_COLOR and TERM=dumb say. */
export function colours(io: Io, stream: Stream): (style: Style, text: string) => string {
  const { NO_COLOR, FORCE_COLOR, TERM } = io.environment
  const forced = FORCE_COLOR !== undefined && FORCE_COLOR !== '0'
  const wanted = forced || (stream.isTTY === true && !NO_COLOR && TERM !== 'dumb')
  return (style, text) => (wanted ? styleText(style, text, { validateStream: false }) : text)
}

/** A person is there to be asked only when both ends are a terminal and no CI runs. */
export function isInteractive(io: Io): boolean {
  return io.stdout.isTTY === true && io.stderr.isTTY === true && !io.environment['CI']
}
