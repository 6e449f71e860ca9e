import { realClock } from '../../src/core/clock.ts'
import { createLogger } from '../../src/core/log.ts'
import { createOnnxThread } from '../../src/core/onnx/thread.ts'
import { loop } from './onnx-loop.ts'

/** A process that wants to end in the middle of a computation that takes weeks. */
const patience = { open: 60_000, run: 60_000, row: 0, stop: 50 }
const thread = createOnnxThread({ clock: realClock, log: createLogger('silent') }, { patience })
const { model } = await thread.open({ name: 'loop', read: async () => loop })
await thread.run(model, [{ x: 5 }])
thread.run(model, [{ x: 1e12 }]).catch(() => undefined)
setTimeout(async () => {
  await thread.stop()
  process.stdout.write('stopped')
}, 1_500)
