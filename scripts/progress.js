// One step's progress on stderr: a moving line on a terminal, plain lines elsewhere. For any Node >= 18.
const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const { stderr } = process

/** Shows `title` until `end(ok)`; `count` says how much is done, where that is known. */
export function startProgress(title, count) {
  const started = Date.now()
  const moving = stderr.isTTY && process.env.TERM !== 'dumb' && !process.env.CI
  const seconds = () => (Date.now() - started) / 1000
  const share = () => {
    if (count === undefined) return ''
    const { done, total } = count()
    return ` ${done}/${total}`
  }
  let frame = 0
  const draw = () =>
    stderr.write(`\r\x1b[2K${frames[frame++ % frames.length]} ${title}${share()} · ${seconds().toFixed(0)} s`)
  const note = () => stderr.write(`${title}${share()}, ${seconds().toFixed(0)} s\n`)
  if (!moving) stderr.write(`${title} …\n`)
  const timer = moving ? setInterval(draw, 150) : setInterval(note, 10_000)
  const end = (ok) => {
    clearInterval(timer)
    const line = ok
      ? `${title}: done in ${seconds().toFixed(1)} s\n`
      : `${title}: failed after ${seconds().toFixed(1)} s\n`
    stderr.write(moving ? `\r\x1b[2K${line}` : line)
  }
  return { end }
}
